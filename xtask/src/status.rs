//! The promise of `docs/status.md`: what it calls shipped or preview names a test that exists.

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    use crate::step::root;

    #[test]
    fn every_row_has_a_state_and_what_exists_names_a_test() {
        let text = fs::read_to_string(root().join("docs/status.md")).unwrap();
        let sources = sources(&root());
        let mut faults = Vec::new();
        for row in
            text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Id") && !line.contains("---"))
        {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let (state, test) = if cells.len() == 3 { (cells[1], cells[2]) } else { (cells[2], cells[3]) };
            let test = test.trim_matches('`');
            match state {
                "planned" if test.is_empty() => {}
                "shipped" | "preview" if names_a_test(&sources, test) => {}
                _ => faults.push(row.to_owned()),
            }
        }

        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn no_id_is_missing_or_twice() {
        let text = fs::read_to_string(root().join("docs/status.md")).unwrap();
        let (features, requirements) = text.split_once("## Requirements").unwrap();

        assert_eq!(ids(features), expected(&FEATURES));
        assert_eq!(ids(requirements), expected(&REQUIREMENTS));
    }

    /// Last number of each letter of the product definition.
    const FEATURES: [(&str, u32); 12] = [
        ("A", 13),
        ("B", 21),
        ("C", 12),
        ("D", 9),
        ("E", 9),
        ("F", 10),
        ("G", 9),
        ("H", 13),
        ("I", 8),
        ("J", 11),
        ("K", 8),
        ("L", 7),
    ];

    /// Last number of each letter of the security design.
    const REQUIREMENTS: [(&str, u32); 25] = [
        ("RT", 2),
        ("S", 8),
        ("C", 4),
        ("H", 10),
        ("L", 7),
        ("O", 14),
        ("M", 4),
        ("P", 8),
        ("A", 11),
        ("V", 8),
        ("K", 2),
        ("D", 1),
        ("I", 4),
        ("W", 3),
        ("N", 1),
        ("E", 3),
        ("U", 6),
        ("X", 4),
        ("R", 9),
        ("T", 1),
        ("G", 5),
        ("B", 4),
        ("Y", 3),
        ("Z", 3),
        ("PG", 11),
    ];

    fn expected(last: &[(&str, u32)]) -> Vec<String> {
        let mut ids: Vec<_> =
            last.iter().flat_map(|(letter, last)| (1..=*last).map(move |number| format!("{letter}{number}"))).collect();
        ids.sort();
        ids
    }

    fn ids(table: &str) -> Vec<String> {
        let mut ids: Vec<_> = table
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| Id") && !line.contains("---"))
            .filter_map(|line| line.split('|').nth(1))
            .map(|id| id.trim().to_owned())
            .collect();
        ids.sort();
        ids
    }

    fn names_a_test(sources: &[String], test: &str) -> bool {
        let (rust, spec) = (format!("fn {test}("), format!("(\"{test}"));
        let template = format!("(`{test}");
        !test.is_empty()
            && sources.iter().any(|text| text.contains(&rust) || text.contains(&spec) || text.contains(&template))
    }

    fn sources(root: &Path) -> Vec<String> {
        let mut found = BTreeSet::new();
        for part in ["ledger", "domain", "engine", "app", "server", "xtask", "end2end/tests"] {
            collect(&root.join(part), &mut found);
        }
        found.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    fn collect(directory: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "ts") {
                found.insert(path);
            }
        }
    }
}
