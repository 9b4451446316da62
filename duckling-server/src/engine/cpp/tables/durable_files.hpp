// Makes files survive a crash of the machine.
#pragma once

#include "duckdb/main/client_context.hpp"

#include <string>

namespace duckling {

//! Write a complete file, and the folders from it up to `root`, through to the disk; returns the file's MD5.
std::string MakeDurable(duckdb::ClientContext &context, const std::string &root, const std::string &path);
//! Make a folder in a folder that must be there: a storage that is not mounted is not made anew.
void CreateFolder(duckdb::ClientContext &context, const std::string &path);
//! MD5 of a file, in hexadecimal digits.
std::string Checksum(duckdb::ClientContext &context, const std::string &path);

} // namespace duckling
