// bench/load.h - many requests over few connections, from one thread, so that the clients cost little of the machine.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace adit::bench {

struct HttpAnswer {
    int status = 0; // 0: none came
    std::string body = {};
};
/// One request to 127.0.0.1 on a connection of its own.
HttpAnswer ask(std::uint16_t port, const std::string& request);
/// A header line ends with \r\n.
std::string get(std::string_view path, std::string_view more_headers = {});
std::string post(std::string_view path, std::string_view body, std::string_view more_headers = {});

struct LoadResult {
    std::vector<double> latencies_ms; // from the first byte sent to the last byte read
    double seconds = 0;               // of the whole
};
/// Sends each request once, `at_once` of them at a time, each over one of so many kept connections; whoever has its
/// answer sends the next one. The first ones go out over the time of `stagger`. Every answer must be 200.
LoadResult send_all(std::uint16_t port, std::span<const std::string> requests, std::size_t at_once,
                    Milliseconds stagger = Milliseconds(0));

} // namespace adit::bench
