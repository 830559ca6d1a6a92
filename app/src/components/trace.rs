//! How a table was read for one decision: what each row said.

use countersign_domain::policy::RowTrace;
use leptos::prelude::*;

use super::dialogue::Disclosure;

/// Each row of a table down to the one that decided, with its reason. Rows in a run that are about other decision types
/// stand behind one line.
#[component]
pub(crate) fn TraceList(trace: Vec<RowTrace>) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <h3 class="text-body font-semibold">{strings::TRACE}</h3>
            <ol class="grid max-w-measure gap-1.5">
                {runs(trace)
                    .into_iter()
                    .map(|run| match <[RowTrace; 1]>::try_from(run) {
                        Ok([row]) => read_row(row),
                        Err(run) => {
                            view! {
                                <li>
                                    <Disclosure summary=others(&run)>
                                        <ol class="grid gap-1.5">{run.into_iter().map(read_row).collect_view()}</ol>
                                    </Disclosure>
                                </li>
                            }
                                .into_any()
                        }
                    })
                    .collect_view()}
            </ol>
        </div>
    }
    .into_any()
}

fn read_row(row: RowTrace) -> AnyView {
    let word = if row.fired { strings::FIRED } else { strings::PASSED };
    view! {
        <li class="grid gap-0.5 border-l-2 border-hairline pl-3">
            <span>
                <span class="tabular-nums">{format!("{}. ", row.rule)}</span>
                <span class="font-mono text-compact">{row.name}</span>
                " "
                <span class=if row.fired { "font-semibold" } else { "text-muted" }>{word}</span>
            </span>
            <span class="text-muted">{row.sentence}</span>
        </li>
    }
    .into_any()
}

/// Puts rows about other types that follow each other together; every other row stands alone.
fn runs(trace: Vec<RowTrace>) -> Vec<Vec<RowTrace>> {
    let mut runs: Vec<Vec<RowTrace>> = Vec::new();
    for row in trace {
        match runs.last_mut() {
            Some(run) if row.other_type && run.iter().all(|row| row.other_type) => run.push(row),
            _ => runs.push(vec![row]),
        }
    }
    runs
}

fn others(run: &[RowTrace]) -> String {
    match run {
        [first, .., last] => format!("Rows {} to {} are about other decision types.", first.rule, last.rule),
        _ => String::new(),
    }
}

mod strings {
    pub(super) const TRACE: &str = "How the table was read";
    pub(super) const FIRED: &str = "decided";
    pub(super) const PASSED: &str = "did not apply";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rule: u64, other_type: bool) -> RowTrace {
        RowTrace { rule, name: format!("row-{rule}"), fired: false, other_type, sentence: String::new() }
    }

    #[test]
    fn rows_about_other_types_stand_together_where_they_follow_each_other() {
        let trace = vec![row(1, true), row(2, true), row(3, false), row(4, true), row(5, false), row(6, false)];

        let runs = runs(trace);

        let numbers: Vec<Vec<_>> = runs.iter().map(|run| run.iter().map(|row| row.rule).collect()).collect();
        assert_eq!(numbers, [vec![1, 2], vec![3], vec![4], vec![5], vec![6]]);
        assert_eq!(others(&runs[0]), "Rows 1 to 2 are about other decision types.");
    }
}
