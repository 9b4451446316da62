//! What the user can set about how input is read and results are shown.

use crate::render::Mode;

/// Rows that a box shows before it hides the middle, as in DuckDB.
const DEFAULT_MAX_ROWS: u64 = 40;

/// When a box explains large numbers in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargeNumbers {
    /// In a footer on a terminal, else not at all.
    Default,
    Off,
    Footer,
    All,
}

/// The shell's settings, in the state that the next statement sees.
#[derive(Debug, Clone)]
pub struct Settings {
    pub mode: Mode,
    pub header: bool,
    pub null_value: String,
    pub column_separator: String,
    pub row_separator: String,
    /// Rows that a box draws; `u64::MAX` for all.
    pub max_rows: u64,
    /// Width of a box in terminal cells; 0 follows the terminal.
    pub max_width_cells: u64,
    /// Draw a box with one row per column.
    pub columns_mode: bool,
    pub large_numbers: LargeNumbers,
    /// Table named by the INSERT statements of mode insert.
    pub insert_table: String,
    /// Least width of each column in modes column, table, box and markdown, in terminal cells; negative aligns right.
    pub widths_cells: Vec<i64>,
    pub timer: bool,
    pub echo: bool,
    /// Stop a script at its first error; `None` does so for `-c` only.
    pub bail: Option<bool>,
    /// `None` shows DuckDB's prompt with the connected database.
    pub main_prompt: Option<String>,
    pub continuation_prompt: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Duckbox,
            header: true,
            null_value: "NULL".to_owned(),
            column_separator: "|".to_owned(),
            row_separator: "\n".to_owned(),
            max_rows: DEFAULT_MAX_ROWS,
            max_width_cells: 0,
            columns_mode: false,
            large_numbers: LargeNumbers::Default,
            insert_table: "table".to_owned(),
            widths_cells: Vec::new(),
            timer: false,
            echo: false,
            bail: None,
            main_prompt: None,
            continuation_prompt: "· ".to_owned(),
        }
    }
}

impl Settings {
    /// Choose a mode, and with it the column separator that belongs to it.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        if let Some(separator) = mode.column_separator() {
            self.column_separator = separator.to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_brings_its_separator() {
        let mut settings = Settings::default();
        settings.set_mode(Mode::Csv);
        assert_eq!(settings.column_separator, ",");
        settings.set_mode(Mode::Json);
        assert_eq!(settings.column_separator, ",");
        settings.set_mode(Mode::List);
        assert_eq!(settings.column_separator, "|");
    }
}
