//! Mode duckbox: DuckDB's own box renderer. Only the rows that it draws are held in memory.

use crate::bridge::{BoxConfig, Query};
use crate::error::ShellError;
use crate::output::Output;
use crate::settings::{LargeNumbers, Settings};

/// Draw the result with the limits that DuckDB's shell uses: the terminal's width on a terminal, none elsewhere, and
/// all rows in a file.
pub fn render(query: &mut Query<'_>, settings: &Settings, output: &mut Output) -> Result<(), ShellError> {
    let (mut max_rows, mut max_width_cells) = (settings.max_rows, settings.max_width_cells);
    if max_width_cells == 0 && !output.is_terminal() {
        max_width_cells = u64::MAX;
        if output.is_file() {
            max_rows = u64::MAX;
        }
    }
    let large_numbers = match settings.large_numbers {
        LargeNumbers::Default => u32::from(output.is_terminal()),
        LargeNumbers::Off => 0,
        LargeNumbers::Footer => 1,
        LargeNumbers::All => 2,
    };
    let drawing = query.draw_box(&BoxConfig {
        max_rows,
        max_width_cells,
        null_value: &settings.null_value,
        columns_mode: settings.columns_mode,
        large_numbers,
    })?;
    output.writer().write_all(drawing.as_bytes())?;
    Ok(())
}
