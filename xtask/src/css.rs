//! `cargo xtask css`: the style sheet from the tokens and the classes in use.

use std::fs;
use std::path::Path;

use crate::step::{Doing as _, Failure, Result, root, say, status};
use crate::tools::Tools;

/// What the command line writes and the build reads.
pub(crate) const SHEET: &str = "style/app.css";
const SOURCE: &str = "style/tailwind.css";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write it again at every change.
    #[arg(long)]
    watch: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let tools = Tools::with_node()?;
    if arguments.watch {
        let mut command = tools.tailwind();
        command.args(["--watch=always", "-o"]).arg(root().join(SHEET));
        return status(&mut command);
    }
    generate(&tools, &root().join(SHEET))?;
    say(format!("Wrote {SHEET}."));

    Ok(())
}

/// Fails when the committed sheet is not what the sources make.
pub(crate) fn check(tools: &Tools) -> Result<()> {
    let fresh = std::env::temp_dir().join(format!("countersign-{}.css", std::process::id()));
    generate(tools, &fresh)?;
    let same = fs::read(&fresh).doing("reading the fresh sheet")? == fs::read(root().join(SHEET)).unwrap_or_default();
    fs::remove_file(&fresh).doing("removing the fresh sheet")?;
    if same { Ok(()) } else { Err(Failure::new(format!("{SHEET} is stale. Run `cargo xtask css` and commit it."))) }
}

fn generate(tools: &Tools, output: &Path) -> Result<()> {
    status(tools.tailwind().arg("-o").arg(output))
}

impl Tools {
    fn tailwind(&self) -> std::process::Command {
        let mut command = self.node();
        command.arg("node_modules/@tailwindcss/cli/dist/index.mjs").args(["--minify", "-i", SOURCE]);
        command
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Tokens = BTreeMap<String, String>;

    #[test]
    fn every_contrast_ratio_of_the_tokens_holds() {
        let sheet = fs::read_to_string(root().join(SOURCE)).unwrap();
        let light = block(&sheet, ":root {");
        let dark = block(&sheet, "[data-theme=dark] {");
        let mut short = Vec::new();
        for (theme, tokens) in [("light", &light), ("dark", &dark)] {
            for (front, back, least) in pairs() {
                let ratio = contrast(&tokens[front], &tokens[back]);
                if ratio < least {
                    short.push(format!("{theme}: {front} on {back} is {ratio:.2}, under {least}"));
                }
            }
        }

        assert!(short.is_empty(), "{}", short.join("\n"));
    }

    #[test]
    fn dark_by_choice_and_dark_by_system_are_the_same() {
        let sheet = fs::read_to_string(root().join(SOURCE)).unwrap();

        let chosen = block(&sheet, "[data-theme=dark] {");

        assert_eq!(chosen, block(&sheet, ":root:not([data-theme=light], [data-theme=dark]) {"));
        assert!(block(&sheet, ":root {").keys().eq(chosen.keys()));
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
        assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 1e-3);
    }

    /// What is drawn on what, and the least ratio: 4.5 for text, 3 for controls and chart marks.
    fn pairs() -> Vec<(&'static str, &'static str, f64)> {
        const GROUNDS: [&str; 4] = ["canvas", "surface", "raised", "selected"];
        let mut pairs = Vec::new();
        for ground in GROUNDS {
            pairs.extend([("text", ground, 4.5), ("muted", ground, 4.5), ("control", ground, 3.0)]);
            pairs.push(("accent", ground, 4.5));
        }
        for verdict in ["accent", "approve", "reject", "escalate", "override", "info"] {
            pairs.extend([(verdict, "canvas", 4.5), (verdict, "surface", 4.5), ("on-fill", verdict, 4.5)]);
        }
        for (ink, tint) in [
            ("approve-ink", "approve-tint"),
            ("reject-ink", "reject-tint"),
            ("escalate-ink", "escalate-tint"),
            ("override-ink", "override-tint"),
            ("info-ink", "info-tint"),
        ] {
            pairs.push((ink, tint, 4.5));
        }
        for chart in ["chart-1", "chart-2", "chart-3", "chart-4", "chart-5", "chart-6"] {
            pairs.extend([(chart, "canvas", 3.0), (chart, "surface", 3.0)]);
        }
        pairs
    }

    fn block(sheet: &str, selector: &str) -> Tokens {
        let (_, rest) = sheet.split_once(selector).unwrap();
        let (body, _) = rest.split_once('}').unwrap();
        body.split(';')
            .filter_map(|declaration| declaration.trim().strip_prefix("--")?.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(colour: &str) -> f64 {
        let channel = |range| {
            let value = f64::from(u8::from_str_radix(&colour[range], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055_f64).powf(2.4) }
        };
        0.2126 * channel(1..3) + 0.7152 * channel(3..5) + 0.0722 * channel(5..7)
    }
}
