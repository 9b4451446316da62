//! Commands that change how inputs are read and results are shown.

use super::{parse_switch, usage};
use crate::error::ShellError;
use crate::settings::{LargeNumbers, Settings};
use crate::shell::{Flow, Shell};

pub fn bail(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.bail = Some(parse_switch("bail", &arguments[0])?);
    Ok(Flow::Continue)
}

pub fn columns(shell: &mut Shell, _arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.columns_mode = true;
    Ok(Flow::Continue)
}

pub fn rows(shell: &mut Shell, _arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.columns_mode = false;
    Ok(Flow::Continue)
}

pub fn echo(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.echo = parse_switch("echo", &arguments[0])?;
    Ok(Flow::Continue)
}

pub fn headers(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.header = parse_switch("headers", &arguments[0])?;
    Ok(Flow::Continue)
}

pub fn timer(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.timer = parse_switch("timer", &arguments[0])?;
    Ok(Flow::Continue)
}

pub fn large_numbers(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.large_numbers = match arguments[0].as_str() {
        "all" => LargeNumbers::All,
        "footer" => LargeNumbers::Footer,
        "off" => LargeNumbers::Off,
        "default" => LargeNumbers::Default,
        _ => return Err(usage("large_number_rendering")),
    };
    Ok(Flow::Continue)
}

pub fn max_rows(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    match arguments.first() {
        Some(count) => shell.settings.max_rows = parse_limit("maxrows", count)?,
        None => writeln!(
            shell.output.writer(),
            "current max rows: {}",
            limit_name(shell.settings.max_rows)
        )?,
    }
    Ok(Flow::Continue)
}

pub fn max_width(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    match arguments.first() {
        Some(count) => shell.settings.max_width_cells = parse_limit("maxwidth", count)?,
        None => writeln!(
            shell.output.writer(),
            "current max width: {}",
            limit_name(shell.settings.max_width_cells)
        )?,
    }
    Ok(Flow::Continue)
}

pub fn mode(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let Some(name) = arguments.first() else {
        writeln!(
            shell.output.writer(),
            "current output mode: {}",
            shell.settings.mode.name()
        )?;
        return Ok(Flow::Continue);
    };
    shell.settings.set_mode(name.parse()?);
    if let Some(table) = arguments.get(1) {
        shell.settings.insert_table = table.clone();
    }
    Ok(Flow::Continue)
}

pub fn null_value(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.null_value = arguments[0].clone();
    Ok(Flow::Continue)
}

pub fn separator(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.column_separator = arguments[0].clone();
    if let Some(row) = arguments.get(1) {
        shell.settings.row_separator = row.clone();
    }
    Ok(Flow::Continue)
}

pub fn width(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let widths = arguments.iter().map(|word| word.parse());
    shell.settings.widths_cells = widths.collect::<Result<_, _>>().map_err(|_| usage("width"))?;
    Ok(Flow::Continue)
}

pub fn prompt(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.settings.main_prompt = arguments.first().cloned();
    shell.settings.continuation_prompt = arguments
        .get(1)
        .cloned()
        .unwrap_or_else(|| Settings::default().continuation_prompt);
    Ok(Flow::Continue)
}

pub fn show(shell: &mut Shell, _arguments: &[String]) -> Result<Flow, ShellError> {
    let settings = &shell.settings;
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    let lines = [
        ("bail", settings.bail.map_or_else(|| "automatic".to_owned(), switch)),
        ("columns", switch(settings.columns_mode)),
        ("database", shell.options.file().unwrap_or(":memory:").to_owned()),
        ("echo", switch(settings.echo)),
        ("headers", switch(settings.header)),
        ("maxrows", limit_name(settings.max_rows)),
        ("maxwidth", limit_name(settings.max_width_cells)),
        ("mode", settings.mode.name().to_owned()),
        ("nullvalue", format!("{:?}", settings.null_value)),
        (
            "separator",
            format!("{:?} {:?}", settings.column_separator, settings.row_separator),
        ),
        ("timer", switch(settings.timer)),
        (
            "width",
            settings
                .widths_cells
                .iter()
                .map(i64::to_string)
                .collect::<Vec<_>>()
                .join(" "),
        ),
    ];
    for (name, value) in lines {
        writeln!(shell.output.writer(), "{name:>12}: {value}")?;
    }
    Ok(Flow::Continue)
}

/// Read a count; a negative one means no limit.
fn parse_limit(command: &str, word: &str) -> Result<u64, ShellError> {
    let count: i64 = word.parse().map_err(|_| usage(command))?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

fn limit_name(limit: u64) -> String {
    if limit == u64::MAX {
        "unlimited".to_owned()
    } else {
        limit.to_string()
    }
}
