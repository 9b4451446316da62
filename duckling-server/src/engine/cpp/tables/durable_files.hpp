// Makes files survive a crash of the machine.
#pragma once

#include "duckdb/common/file_system.hpp"
#include "duckdb/main/client_context.hpp"

#include <string>

namespace duckling {

struct DurableFile {
	//! MD5, in hexadecimal digits
	std::string checksum;
	std::string version;
};

//! Write a complete file, and the folders from it up to `root`, through to the disk.
DurableFile MakeDurable(duckdb::ClientContext &context, const std::string &root, const std::string &path);
//! Make a folder in a folder that must be there: a storage that is not mounted is not made anew.
void CreateFolder(duckdb::ClientContext &context, const std::string &path);
//! MD5 of a file, in hexadecimal digits.
std::string Checksum(duckdb::ClientContext &context, const std::string &path);
std::string Checksum(duckdb::FileHandle &file);
//! What the file system knows of a file's contents, its size and when it was written to, or the tag of an object: while that is the same,
//! so are they, unless the disk is damaged.
std::string FileVersion(duckdb::FileSystem &fs, duckdb::FileHandle &file);
//! The same of a file in a folder; empty if there is none.
std::string LocalFileVersion(const std::string &path);

} // namespace duckling
