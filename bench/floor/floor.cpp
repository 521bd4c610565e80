// What the machine can do at best with this job: gzip JSON in, sorted distinct rows as Parquet out.
//
// igzip inflates, simdjson parses, Arrow sorts and writes; one thread a core. Nothing is checked,
// no row remembers where it came from, nothing is counted, everything is kept in memory.

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/io/file.h>
#include <parquet/arrow/writer.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

#include "gunzip.h"
#include "readings.h"

namespace fs = std::filesystem;

static constexpr int kZstdLevel = 3;  // as DuckDB's
static constexpr int kDeviceShift = 56;

static std::vector<fs::path> objects_below(const fs::path& folder) {
  std::vector<fs::path> objects;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".gz") objects.push_back(entry.path());
  std::sort(objects.begin(), objects.end());
  return objects;
}

static Readings read_all(const std::vector<fs::path>& objects) {
  std::vector<Readings> parts(std::thread::hardware_concurrency());
  std::atomic<size_t> next{0};
  std::vector<std::jthread> threads;
  for (auto& part : parts)
    threads.emplace_back([&] {
      simdjson::ondemand::parser parser;
      std::vector<char> text;
      for (size_t mine; (mine = next++) < objects.size();) {
        std::string body = read_file(objects[mine]);
        const size_t length = gunzip(body, text, simdjson::SIMDJSON_PADDING);
        part.parse(parser, text.data(), length);
      }
    });
  threads.clear();
  for (size_t other = 1; other < parts.size(); ++other) {
    parts[0].append(parts[other]);
    parts[other] = {};
  }
  return std::move(parts[0]);
}

// Returns the order of distinct rows: by device and time, as one number each.
static arrow::Result<std::shared_ptr<arrow::Array>> distinct_order(const Readings& rows) {
  std::vector<int64_t> keys(rows.device.size());
  for (size_t row = 0; row < keys.size(); ++row)
    keys[row] = (int64_t{rows.device[row]} << kDeviceShift) + rows.measured_at[row];
  const arrow::Int64Array wrapped(static_cast<int64_t>(keys.size()), arrow::Buffer::Wrap(keys));
  ARROW_ASSIGN_OR_RAISE(auto sorted, arrow::compute::SortIndices(wrapped));
  auto& order = static_cast<arrow::UInt64Array&>(*sorted);

  arrow::UInt64Builder kept;
  ARROW_RETURN_NOT_OK(kept.Reserve(order.length()));
  for (int64_t start = 0, place = 0; place < order.length(); ++place) {
    if (keys[order.Value(place)] != keys[order.Value(start)]) start = place;
    bool seen = false;
    for (int64_t before = start; before < place && !seen; ++before)
      seen = rows.equal(order.Value(before), order.Value(place));
    if (!seen) kept.UnsafeAppend(order.Value(place));
  }
  return kept.Finish();
}

template <typename ArrayType, typename T>
static std::shared_ptr<arrow::Array> column(std::shared_ptr<arrow::DataType> type, std::vector<T>& values) {
  return std::make_shared<ArrayType>(std::move(type), static_cast<int64_t>(values.size()),
                                     arrow::Buffer::Wrap(values));
}

static std::shared_ptr<arrow::Table> table_of(Readings& rows) {
  const auto time = arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto schema = arrow::schema({{"device_id", arrow::int32()},
                                     {"measured_at", time},
                                     {"temperature_c", arrow::int32()},
                                     {"cpu_load", arrow::float64()},
                                     {"ram_load", arrow::float64()},
                                     {"disk_load", arrow::float64()},
                                     {"sent_at", time}});
  return arrow::Table::Make(schema, {column<arrow::Int32Array>(arrow::int32(), rows.device),
                                     column<arrow::TimestampArray>(time, rows.measured_at),
                                     column<arrow::Int32Array>(arrow::int32(), rows.temperature),
                                     column<arrow::DoubleArray>(arrow::float64(), rows.cpu),
                                     column<arrow::DoubleArray>(arrow::float64(), rows.ram),
                                     column<arrow::DoubleArray>(arrow::float64(), rows.disk),
                                     column<arrow::TimestampArray>(time, rows.sent_at)});
}

static arrow::Status run(const fs::path& raw, const fs::path& out) {
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  Readings rows = read_all(objects_below(raw));
  ARROW_ASSIGN_OR_RAISE(auto order, distinct_order(rows));
  ARROW_ASSIGN_OR_RAISE(auto sorted, arrow::compute::Take(table_of(rows), order));
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(out / "rows.parquet"));
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(arrow::Compression::ZSTD)
                              ->compression_level(kZstdLevel)
                              ->build();
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().set_use_threads(true)->build();
  return parquet::arrow::WriteTable(*sorted.table(), arrow::default_memory_pool(), file, 128 * 1024, properties,
                                    arrow_properties);
}

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: floor RAW_FOLDER OUT_FOLDER\n";
    return 2;
  }
  const arrow::Status status = run(arguments[1], arguments[2]);
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
