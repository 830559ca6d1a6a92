//! The promise of `docs/security/asvs.md`: each requirement has one row, and the tests and files that rows name exist.

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::step::root;

    const STATES: [&str; 4] = ["met", "partly", "gap", "not applicable"];

    /// Requirements of level 1 and of level 2 in each chapter of OWASP ASVS 5.0.0.
    const REQUIREMENTS: [(usize, usize); 17] = [
        (8, 19),
        (4, 7),
        (8, 11),
        (2, 8),
        (4, 5),
        (13, 22),
        (6, 12),
        (4, 3),
        (4, 3),
        (5, 24),
        (3, 11),
        (3, 6),
        (1, 12),
        (2, 7),
        (3, 10),
        (0, 16),
        (0, 7),
    ];

    /// Crates with tests beside their code.
    const CRATES: [&str; 6] = ["app", "domain", "engine", "ledger", "server", "xtask"];

    /// Endings of files that rows name without a directory.
    const ENDINGS: [&str; 3] = [".lock", ".md", ".toml"];

    #[derive(Debug)]
    struct Row {
        chapter: usize,
        number: (u32, u32),
        level: usize,
        state: String,
        shown: String,
    }

    #[test]
    fn every_requirement_of_levels_one_and_two_has_one_row_in_its_place() {
        let rows = rows();

        let places: Vec<_> = rows.iter().map(|row| (row.chapter, row.number)).collect();
        let out_of_place: Vec<_> = places.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
        assert!(out_of_place.is_empty(), "not ascending: {out_of_place:?}");
        let count = |chapter, level| rows.iter().filter(|row| (row.chapter, row.level) == (chapter, level)).count();
        let counts: Vec<_> = (1..=REQUIREMENTS.len()).map(|chapter| (count(chapter, 1), count(chapter, 2))).collect();
        assert_eq!(counts, REQUIREMENTS);
        assert_eq!(rows.len(), 70 + 183);
    }

    #[test]
    fn every_row_says_where_it_is_shown_or_what_is_missing() {
        let faults: Vec<_> = rows()
            .into_iter()
            .filter(|row| {
                let named = names(&row.shown).filter_map(exists).count();
                let said = match row.state.as_str() {
                    "met" => named > 0 && !row.shown.contains("Missing:"),
                    "partly" => named > 0 && row.shown.contains("Missing: "),
                    _ => !row.shown.is_empty(),
                };
                !said
            })
            .collect();

        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn every_test_and_file_that_is_named_exists() {
        let rows = rows();
        let named: Vec<_> = rows
            .iter()
            .flat_map(|row| names(&row.shown).filter_map(move |name| Some((row.number, name, exists(name)?))))
            .collect();
        assert!(named.len() > 200, "only {} names were found", named.len());

        let missing: Vec<_> = named.iter().filter(|(.., exists)| !exists).collect();

        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn the_summary_counts_the_rows() {
        let rows = rows();
        let text = text();
        let (_, summary) = text.split_once("## Summary").unwrap();
        let (summary, _) = summary.split_once("\n## ").unwrap();
        let found: Vec<_> = summary.lines().filter_map(counted).collect();

        let count = |chapter: Option<usize>| -> Vec<usize> {
            let of = |state: &str| {
                rows.iter().filter(|row| chapter.is_none_or(|one| row.chapter == one) && row.state == state).count()
            };
            let by_state = STATES.map(of);
            let applicable = by_state[..3].iter().sum();
            [applicable].into_iter().chain(by_state).collect()
        };
        let mut expected: Vec<_> = (1..=REQUIREMENTS.len()).map(|chapter| count(Some(chapter))).collect();
        expected.push(count(None));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_does_not_exist_is_told_from_what_is_only_a_word() {
        assert_eq!(exists("xtask: asvs::what_does_not_exist_is_told_from_what_is_only_a_word"), Some(true));
        assert_eq!(exists("oidc it: faults::an_access_token_type_is_refused"), Some(true), "a row of a macro");
        assert_eq!(exists("injection.spec.ts: shows every text and runs none"), Some(true));
        assert_eq!(exists("xtask/src/asvs.rs"), Some(true));
        for missing in [
            "xtask: asvs::no_such_test",
            "xtask: nowhere::every_test_and_file_that_is_named_exists",
            "server it: origin::no_such_test",
            "injection.spec.ts: shows every text",
            "no such crate: origin::our_own_pages_pass",
            "server/src/nowhere.rs",
            "NOWHERE.md",
        ] {
            assert_eq!(exists(missing), Some(false), "{missing}");
        }
        for word in ["auth_time", "/act/sign-in-as", "GET /login/{provider}", "*"] {
            assert_eq!(exists(word), None, "{word}");
        }
    }

    /// Reads every row of a requirement, and refuses what is not one.
    fn rows() -> Vec<Row> {
        let mut chapter = 0;
        let mut rows = Vec::new();
        for line in text().lines() {
            if let Some(heading) = line.strip_prefix("## V") {
                chapter = heading.split(' ').next().and_then(|number| number.parse::<usize>().ok()).unwrap();
            }
            if line.starts_with("| v") {
                let row = row(line).unwrap_or_else(|| panic!("this is no row of a requirement: {line}"));
                assert_eq!(row.chapter, chapter, "under the heading of another chapter: {line}");
                rows.push(row);
            }
        }
        rows
    }

    fn row(line: &str) -> Option<Row> {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [id, level, asked, state, shown] = cells[..] else { return None };
        let numbers: Vec<u32> =
            id.strip_prefix("v5.0.0-")?.split('.').map(|number| number.parse::<u32>().ok()).collect::<Option<_>>()?;
        let [chapter, section, requirement] = numbers[..] else { return None };
        let level = level.parse::<usize>().ok().filter(|level| [1, 2].contains(level))?;
        let whole = !asked.is_empty() && !shown.is_empty() && STATES.contains(&state);
        whole.then(|| Row {
            chapter: chapter as usize,
            number: (section, requirement),
            level,
            state: state.to_owned(),
            shown: shown.to_owned(),
        })
    }

    /// Reads the numbers of a line of the summary; none of its head.
    fn counted(line: &str) -> Option<Vec<usize>> {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        cells[1..].iter().map(|cell| cell.parse::<usize>().ok()).collect()
    }

    /// Returns what a cell writes in code style.
    fn names(cell: &str) -> impl Iterator<Item = &str> {
        cell.split('`').skip(1).step_by(2)
    }

    /// Tells whether a test or a file exists; none of other words in code style.
    fn exists(name: &str) -> Option<bool> {
        let Some((place, test)) = name.split_once(": ") else {
            let relative = !name.starts_with('/') && !name.contains(' ');
            let is_file = (name.contains('/') && name.contains('.')) || ENDINGS.iter().any(|end| name.ends_with(end));
            return (relative && is_file).then(|| root().join(name).is_file());
        };
        if place.ends_with(".spec.ts") {
            let title = format!("(\"{test}\"");
            let stands = |folder: &str| read(&format!("end2end/{folder}/{place}")).contains(&title);
            return Some(["tests", "interop"].into_iter().any(stands));
        }
        let (module, test) = test.rsplit_once("::").unwrap_or(("", test));
        let module = module.replace("::", "/");
        let file = match place.split_once(' ') {
            Some(("app", "source")) => "app/tests/source.rs".to_owned(),
            Some((part @ ("outbound" | "postgres"), "it")) => format!("server/{part}/tests/it.rs"),
            Some(("oidc", "it")) => format!("server/oidc/tests/it/{module}.rs"),
            Some((part, "it")) if CRATES.contains(&part) => format!("{part}/tests/it/{module}.rs"),
            None if CRATES.contains(&place) => format!("{place}/src/{module}.rs"),
            _ => return Some(false),
        };
        let source = read(&file);
        // Cases of a table that a macro turns into tests stand as `name:` on a line.
        Some(source.contains(&format!("fn {test}(")) || source.contains(&format!("\n    {test}:\n")))
    }

    fn text() -> String {
        fs::read_to_string(root().join("docs/security/asvs.md")).unwrap()
    }

    /// Reads a source; what is not there holds nothing.
    fn read(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap_or_default()
    }
}
