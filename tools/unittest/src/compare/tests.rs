//! What is accepted as equal and what is not. The numbers are compared by a stand-in for DuckDB, within one percent.

use super::{Actual, Expected, Mismatch, error_matches, hash_of, is_hash};
use crate::database::ColumnKind;
use crate::script::SortMode;

fn rows(values: &[&[&str]]) -> Vec<Vec<String>> {
    values
        .iter()
        .map(|row| row.iter().map(|value| (*value).to_owned()).collect())
        .collect()
}

fn lines(values: &[&str]) -> Expected {
    Expected::Lines(values.iter().map(|value| (*value).to_owned()).collect())
}

fn close(_column: usize, left: &str, right: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    number(left)
        .zip(number(right))
        .is_some_and(|(left, right)| (left - right).abs() <= 0.01 * right.abs())
}

fn compare(kinds: &[ColumnKind], actual: &[&[&str]], expected: &Expected) -> Result<(), Mismatch> {
    let columns = kinds.iter().map(|kind| ("c", *kind)).collect();
    Actual {
        columns,
        rows: rows(actual),
    }
    .check_rows(expected, "SELECT", close)
}

const TEXT: ColumnKind = ColumnKind::Other;

#[test]
fn values_may_stand_one_by_one_or_in_rows() {
    let actual: &[&[&str]] = &[&["1", "a b"], &["2", "NULL"]];
    assert!(compare(&[TEXT, TEXT], actual, &lines(&["1\ta b", "2\tNULL"])).is_ok());
    assert!(compare(&[TEXT, TEXT], actual, &lines(&["1", "a b", "2", "NULL"])).is_ok());
    assert!(compare(&[TEXT, TEXT], actual, &lines(&["1\ta b", "2\tnull"])).is_err());
    assert!(
        compare(&[TEXT], &[&["a\tb"]], &lines(&["a\tb"])).is_ok(),
        "one column may contain a tab"
    );
    assert!(compare(&[TEXT, TEXT], &[], &lines(&[])).is_ok());
}

#[test]
fn missing_and_superfluous_rows_are_seen() {
    assert!(compare(&[TEXT], &[&["1"], &["2"]], &lines(&["1"])).is_err());
    assert!(compare(&[TEXT], &[&["1"]], &lines(&["1", "2"])).is_err());
    assert!(compare(&[TEXT], &[&["1"]], &lines(&[])).is_err());
    assert!(compare(&[TEXT, TEXT], &[&["1", "2"]], &lines(&["1\t2", "3\t4"])).is_err());
}

#[test]
fn a_layout_that_does_not_fit_is_told() {
    let cut = compare(&[TEXT, TEXT], &[&["1", "2"]], &lines(&["1", "2", "3"])).unwrap_err();
    assert_eq!(
        cut.to_string(),
        "3 expected values cannot be cut into rows of 2 columns"
    );
    let split = compare(&[TEXT, TEXT], &[&["1", "2"]], &lines(&["1\t2\t3"])).unwrap_err();
    assert_eq!(
        split.to_string(),
        "row 1 of the expected result has 3 values separated by tabs, not 2"
    );
}

#[test]
fn the_difference_shows_both_sides_and_real_differences_only() {
    let kinds = [ColumnKind::Boolean, TEXT];
    let actual: &[&[&str]] = &[&["1", "same"], &["0", "actual"]];
    let shown = compare(&kinds, actual, &lines(&["true\tsame", "false\texpected"]))
        .unwrap_err()
        .to_string();
    assert!(shown.contains("-   false\texpected"), "{shown}");
    assert!(shown.contains("+   false\tactual"), "{shown}");
    assert!(shown.contains("    true\tsame"), "{shown}");
    assert!(
        shown.contains("first difference in row 2; 2 rows expected, 2 returned"),
        "{shown}"
    );
}

#[test]
fn numbers_are_compared_as_numbers_and_texts_are_not() {
    assert!(compare(&[ColumnKind::Number], &[&["0.30000000000000004"]], &lines(&["0.3"])).is_ok());
    assert!(compare(&[ColumnKind::Number], &[&["0.32"]], &lines(&["0.3"])).is_err());
    assert!(compare(&[ColumnKind::Number], &[&["0"]], &lines(&["NULL"])).is_err());
    assert!(compare(&[TEXT], &[&["0.30"]], &lines(&["0.3"])).is_err());
}

#[test]
fn booleans_have_four_spellings() {
    for (actual, expected, equal) in [
        ("1", "true", true),
        ("0", "FALSE", true),
        ("1", "1", true),
        ("1", "0", false),
        ("NULL", "nothing", false),
    ] {
        let result = compare(&[ColumnKind::Boolean], &[&[actual]], &lines(&[expected]));
        assert_eq!(result.is_ok(), equal, "{actual} {expected}");
    }
}

#[test]
fn patterns_cover_the_whole_value() {
    let matches = |actual: &str, expected: &str| compare(&[TEXT], &[&[actual]], &lines(&[expected])).is_ok();
    assert!(matches("abc\ndef", "<REGEX>:abc.def"));
    assert!(!matches("abcd", "<REGEX>:abc"));
    assert!(!matches("xa", "<REGEX>:a|b"), "alternatives are covered too");
    assert!(matches("abcd", "<!REGEX>:abc"));
    assert!(!matches("abc", "<!REGEX>:abc"));
    let invalid = compare(&[TEXT], &[&["a"]], &lines(&["<REGEX>:("])).unwrap_err();
    assert!(
        invalid.to_string().starts_with("invalid regular expression `(`"),
        "{invalid}"
    );
}

#[test]
fn errors_match_by_part_or_by_pattern() {
    assert!(error_matches("no such", "Error: no such table").unwrap());
    assert!(!error_matches("no such view", "Error: no such table").unwrap());
    assert!(error_matches("<REGEX>:.*such t.*", "Error: no such table").unwrap());
    assert!(!error_matches("<REGEX>:such", "Error: no such table").unwrap());
    assert!(error_matches("<!REGEX>:.*view.*", "Error: no such table").unwrap());
    assert!(!error_matches("<!REGEX>:.*table.*", "Error: no such table").unwrap());
    assert!(error_matches("<REGEX>:(", "x").is_err());
}

#[test]
fn sorting_happens_by_row_or_by_value() {
    let sorted = |sort| super::sorted(rows(&[&["2", "a"], &["1", "b"], &["10", "c"]]), sort);
    assert_eq!(
        sorted(SortMode::NoSort),
        rows(&[&["2", "a"], &["1", "b"], &["10", "c"]])
    );
    assert_eq!(
        sorted(SortMode::RowSort),
        rows(&[&["1", "b"], &["10", "c"], &["2", "a"]])
    );
    assert_eq!(
        sorted(SortMode::ValueSort),
        rows(&[&["1", "10"], &["2", "a"], &["b", "c"]])
    );
}

#[test]
fn hashes_are_those_of_the_original_sqllogictest() {
    // printf '1\n2\n3\n' | md5sum
    let right = "3 values hashing to c0710d6b4f15dfa88f600b0e6b624077";
    let wrong = "3 values hashing to 00000000000000000000000000000000";
    let actual: &[&[&str]] = &[&["1"], &["2"], &["3"]];
    assert!(is_hash(wrong));
    assert!(!is_hash("3 values hashing to something"));
    assert_eq!(hash_of(&rows(actual)), right);
    assert!(compare(&[TEXT], actual, &lines(&[right])).is_ok());
    assert!(compare(&[TEXT], actual, &lines(&[wrong])).is_err());
}

#[test]
fn the_number_of_columns_is_checked() {
    let actual = Actual {
        columns: vec![("a", TEXT), ("b", TEXT)],
        rows: Vec::new(),
    };
    assert!(actual.check_columns(2).is_ok());
    assert_eq!(
        actual.check_columns(1).unwrap_err().to_string(),
        "expected 1 columns, got 2: a, b"
    );
}
