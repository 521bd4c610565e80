// Device telemetry as columns, filled by simdjson.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string_view>
#include <vector>

inline int64_t number(std::string_view digits) {
  int64_t value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  return value;
}

// Days since 1970 of a Gregorian date, by counting years from March.
inline int64_t days(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = year / 400, of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// Microseconds since 1970 of `YYYY-MM-DD HH[:MM:SS[.ffffff]]`; nothing is checked.
inline int64_t micros(std::string_view text) {
  int64_t seconds = days(number(text.substr(0, 4)), number(text.substr(5, 2)), number(text.substr(8, 2)));
  seconds = seconds * 86400 + number(text.substr(11, 2)) * 3600;
  if (text.size() > 13) seconds += number(text.substr(14, 2)) * 60 + number(text.substr(17, 2));
  return seconds * 1'000'000 + (text.size() > 20 ? number(text.substr(20, 6)) : 0);
}

struct Readings {
  std::vector<int32_t> device, temperature;
  std::vector<double> cpu, ram, disk;
  std::vector<int64_t> measured_at, sent_at;

  void parse(simdjson::ondemand::parser& parser, const char* text, size_t length) {
    auto records = parser.iterate_many(text, length, length + 1);
    for (auto record : records.value()) add(record.value());
  }

  void append(const Readings& other) {
    join(device, other.device), join(temperature, other.temperature);
    join(cpu, other.cpu), join(ram, other.ram), join(disk, other.disk);
    join(measured_at, other.measured_at), join(sent_at, other.sent_at);
  }

  bool equal(size_t one, size_t other) const {
    return device[one] == device[other] && measured_at[one] == measured_at[other] && cpu[one] == cpu[other] &&
           ram[one] == ram[other] && disk[one] == disk[other] && temperature[one] == temperature[other] &&
           sent_at[one] == sent_at[other];
  }

 private:
  // Fields are looked up in the order in which they lie, so each is found at once.
  void add(simdjson::ondemand::document_reference record) {
    device.push_back(static_cast<int32_t>(record["id_device"].get_int64().value()));
    temperature.push_back(static_cast<int32_t>(record["temperature"].get_int64().value()));
    cpu.push_back(record["cpu"].get_double());
    ram.push_back(record["ram"].get_double());
    disk.push_back(record["hd"].get_double());
    measured_at.push_back(micros(record["timestamp"].get_string().value()));
    sent_at.push_back(micros(record["timestamp_sent"].get_string().value()));
  }

  template <typename T>
  static void join(std::vector<T>& mine, const std::vector<T>& theirs) {
    mine.insert(mine.end(), theirs.begin(), theirs.end());
  }
};
