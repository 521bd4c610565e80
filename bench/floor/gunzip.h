// Gzip by igzip, the fastest inflate there is on x86.
#pragma once

#include <isa-l/igzip_lib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

inline std::string read_file(const std::filesystem::path& path) {
  std::string body(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(body.data(), static_cast<std::streamsize>(body.size()));
  return body;
}

// Inflates one gzip member into `text`, which keeps its memory from object to object, and returns
// the length; `padding` bytes behind it may be read.
inline size_t gunzip(std::string& body, std::vector<char>& text, size_t padding) {
  inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  state.next_in = reinterpret_cast<uint8_t*>(body.data());
  state.avail_in = static_cast<uint32_t>(body.size());
  size_t length = 0;
  while (state.block_state != ISAL_BLOCK_FINISH) {
    if (text.size() < length + padding + (1 << 16)) text.resize(2 * text.size() + padding + (1 << 20));
    const auto room = static_cast<uint32_t>(text.size() - length - padding);
    state.next_out = reinterpret_cast<uint8_t*>(text.data()) + length;
    state.avail_out = room;
    if (isal_inflate(&state) != ISAL_DECOMP_OK) throw std::runtime_error("corrupt gzip");
    length += room - state.avail_out;
  }
  return length;
}
