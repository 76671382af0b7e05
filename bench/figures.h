// bench/figures.h - the groups of figures. Each prints its rows; all they write is in a folder of its own in `where`.
#pragma once

#include <filesystem>

namespace adit::bench {

void measure_latency(const std::filesystem::path& where);
void measure_throughput(const std::filesystem::path& where);
void measure_restarts(const std::filesystem::path& where);  // memory, and time to the first answer
void measure_passes(const std::filesystem::path& where);    // reconcile, accounting, expiry, in process
void measure_lightning(const std::filesystem::path& where); // invoices and settlements, at the look-alikes
void measure_seeing(const std::filesystem::path& where);    // what a scrape of /metrics costs
void measure_store(const std::filesystem::path& where);
void measure_notifications(const std::filesystem::path& where); // sales while every relay is dead

} // namespace adit::bench
