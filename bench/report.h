// bench/report.h - figures, and rows of them.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace adit::bench {

/// Ends the program with the reason: a benchmark that has gone wrong has nothing to say.
[[noreturn]] void give_up(const std::string& why);

template<typename T>
T must(Result<T> result)
{
    if (!result) give_up(result.error().detail);
    return std::move(result).value();
}
inline void must(const Result<void>& result)
{
    if (!result) give_up(result.error().detail);
}

struct Quantiles {
    double p50 = 0;
    double p99 = 0;
    double most = 0;
};
/// Of at least one number.
Quantiles quantiles(std::vector<double> numbers);

/// "| figure | goal | seen |", at once. An empty goal is a figure that is only reported.
void row(std::string_view figure, std::string_view goal, const std::string& seen);
void heading(std::string_view title);
/// One decimal.
std::string ms(double milliseconds);
std::string spread(const Quantiles& quantiles); // "p50 1.0 ms, p99 2.0 ms, max 3.0 ms"

/// Processor, kernel, load, and how long this folder's disk takes to sync one page.
void describe_machine(const std::string& folder);

} // namespace adit::bench
