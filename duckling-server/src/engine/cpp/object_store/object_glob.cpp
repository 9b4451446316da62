// Patterns mean what they mean for local files: `*`, `?` and `[…]` match within a name, `**` any number of folders.

#include "object_requests.hpp"

#include "duckdb/common/string_util.hpp"

#include <algorithm>

namespace duckdb {
// Declared in a header that needs others than DuckDB's own.
DUCKDB_API bool Glob(const char *text, idx_t text_size, const char *pattern, idx_t pattern_size, bool allow_question_mark);
} // namespace duckdb

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *ANY_FOLDERS = "**";

using Names = vector<string>;

//! Whether the names of a key from `name` on match the patterns from `pattern` on.
bool Matches(const Names &names, idx_t name, const Names &patterns, idx_t pattern) {
	for (; pattern < patterns.size(); pattern++, name++) {
		auto &text = patterns[pattern];
		if (text == ANY_FOLDERS) {
			if (pattern + 1 == patterns.size()) {
				return name < names.size();
			}
			for (; name < names.size(); name++) {
				if (Matches(names, name, patterns, pattern + 1)) {
					return true;
				}
			}
			return false;
		}
		if (name == names.size() || !Glob(names[name].c_str(), names[name].size(), text.c_str(), text.size(), true)) {
			return false;
		}
	}
	return name == names.size();
}

} // namespace

vector<OpenFileInfo> ObjectFileSystem::Glob(const string &path, FileOpener *opener) {
	vector<OpenFileInfo> result;
	ObjectUrl url(path);
	if (HasGlob(url.key)) {
		auto patterns = StringUtil::Split(url.key, "/");
		idx_t fixed = 0;
		while (!HasGlob(patterns[fixed])) {
			fixed++;
		}
		auto folder = url.store + StringUtil::Join(Names(patterns.begin(), patterns.begin() + NumericCast<int64_t>(fixed)), "/");
		auto is_recursive = fixed + 1 < patterns.size() || patterns[fixed] == ANY_FOLDERS;
		for (auto &object : ListObjects(*this, folder, is_recursive, opener).objects) {
			if (Matches(StringUtil::Split(object.key, "/"), fixed, patterns, fixed)) {
				result.emplace_back(url.store + object.key);
			}
		}
		std::sort(result.begin(), result.end(),
		          [](const OpenFileInfo &a, const OpenFileInfo &b) { return a.path < b.path; });
	}
	// A name may have the characters of a pattern in it
	if (result.empty() && FileExists(path, opener)) {
		result.emplace_back(path);
	}
	return result;
}

} // namespace duckling
