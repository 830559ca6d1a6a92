//! The access log: who read, searched, exported what, and who was refused. Asking it is on record too.

use std::collections::{BTreeSet, HashMap};

use countersign_domain::{
    administration::{AccessFile, AccessFilter, AccessGroup, AccessRow, AccessView, Reach},
    csv,
    event::Event,
    ids::PersonId,
    problem::Code,
    role::Role,
    time::{day, rfc3339},
};
use countersign_ledger::leaf::{ActorKind, Leaf};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Engine, audit_windows,
    authorize::{Action, Permit, Target},
    caller::Caller,
    db::{
        self,
        access::{Asked, Found, Within},
    },
    error::{Error, Result},
    people, seal, sessions,
};

/// Rows of one page.
const ROWS: usize = 50;
/// Rows of one file; a longer answer is refused, never cut.
const FILE_ROWS_MAX: usize = 20_000;
const DAY_MS: u64 = 86_400_000;

/// Which side of a person's own access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What others read about them.
    About,
    /// What they read themselves.
    By,
}

/// Shows one page of the access log, as far as the caller may see it.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but admins, auditors and compliance officers, or the field of the
/// question that cannot be read.
pub async fn log(engine: &Engine, caller: &Caller, filter: AccessFilter) -> Result<AccessView> {
    let asked = parse(engine, &filter).await?;
    engine
        .act(caller, move |engine, caller| {
            let (asked, filter) = (asked.clone(), filter.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ViewAccess, engine.installation()).await?;
                let (reach, within) = reach(&permit, &caller);
                let view = page(&mut tx, &engine, &caller, &permit, question(&filter, reach), &asked, &within).await?;
                engine.commit(tx).await?;
                Ok(AccessView { reach, ..view })
            }
        })
        .await
}

/// Shows the caller one page of what was read about them, or of what they read.
///
/// # Errors
///
/// `unauthenticated` for anybody but a person.
pub async fn own(engine: &Engine, caller: &Caller, side: Side, before: Option<u64>) -> Result<AccessView> {
    let person = caller.person().ok_or_else(|| Error::refused(Code::Unauthenticated, "Sign in first."))?;
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ViewSelf, Target::Member(person)).await?;
            let (asked, within, question) = match side {
                Side::About => {
                    let within = Within { about: Some(person.0), ..Within::default() };
                    (Asked { before, ..Asked::default() }, within, "access about me")
                }
                Side::By => {
                    let asked = Asked { before, person: Some(person.0), ..Asked::default() };
                    (asked, Within::default(), "access by me")
                }
            };
            let view = page(&mut tx, &engine, &caller, &permit, question.into(), &asked, &within).await?;
            engine.commit(tx).await?;
            Ok(view)
        })
        .await
}

/// Writes the whole answer to a question as a table for spreadsheets.
///
/// # Errors
///
/// As [`log`]; `too_large` when the answer has more rows than one file may have; `step_up_required`.
pub async fn export(engine: &Engine, caller: &Caller, filter: AccessFilter) -> Result<AccessFile> {
    let asked = Asked { before: None, ..parse(engine, &filter).await? };
    engine
        .act(caller, move |engine, caller| {
            let (asked, filter) = (asked.clone(), filter.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ExportAccess, engine.installation()).await?;
                sessions::require_recent(&caller)?;
                let by = caller.person().ok_or(Error::NotFound)?;
                let (reach, within) = reach(&permit, &caller);
                let found =
                    db::access::list(&mut tx, engine.log.row, &asked, &within, FILE_ROWS_MAX as i64 + 1).await?;
                if found.len() > FILE_ROWS_MAX {
                    return Err(Error::refused(
                        Code::TooLarge,
                        format!(
                            "The answer has more than {FILE_ROWS_MAX} rows. Narrow the period and take several files."
                        ),
                    ));
                }
                let rows = rows(&mut tx, &engine, found).await?;
                let name = people::names(&mut tx, &engine, &[by]).await?.remove(&by).unwrap_or_else(people::erased);
                let mark = audit_windows::watermark(&engine, &caller, &name).await?;
                let csv = table(&rows, mark.map(|mark| mark.sentence()).as_deref());
                let (count, output) = (rows.len() as u64, hex(&csv));
                let query = question(&filter, reach);
                let event = Event::AccessExported { by, query, output: output.clone(), count };
                seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                engine.commit(tx).await?;
                Ok(AccessFile { csv, count, digest: output })
            }
        })
        .await
}

async fn page(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    query: String,
    asked: &Asked,
    within: &Within,
) -> Result<AccessView> {
    let by = caller.person().ok_or(Error::NotFound)?;
    let size = engine.head.borrow().size;
    let mut found = db::access::list(conn, engine.log.row, asked, within, ROWS as i64 + 1).await?;
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let rows = rows(conn, engine, found).await?;
    let (count, output) = (rows.len() as u64, hex(&table(&rows, None)));
    let entry = seal::append(conn, engine, caller, permit, &Event::AccessSearched { by, query, output, count }).await?;

    Ok(AccessView {
        older: if more { rows.last().map(|row| row.index) } else { None },
        rows,
        reach: Reach::Own,
        size,
        recorded: entry.id,
        now: engine.now(),
    })
}

/// Admins see operations; an auditor whose role covers certain systems sees those; the others everything.
fn reach(permit: &Permit, caller: &Caller) -> (Reach, Within) {
    let held = permit.authority.as_ref().map(|authority| authority.held.as_slice()).unwrap_or_default();
    let readers: Vec<_> = held.iter().filter(|held| held.role != Role::Admin && reads_access(held.role)).collect();
    if readers.is_empty() {
        return (Reach::Operations, Within { operations: true, ..Within::default() });
    }
    let systems: Option<Vec<Uuid>> = readers.iter().map(|held| held.system.map(|system| system.0)).collect();
    match systems {
        Some(systems) => {
            let own = caller.person().map(|person| person.0);
            (Reach::Systems, Within { systems: Some(systems), own, ..Within::default() })
        }
        None => (Reach::All, Within::default()),
    }
}

fn reads_access(role: Role) -> bool {
    matches!(role.word(), "auditor" | "compliance_officer")
}

async fn parse(engine: &Engine, filter: &AccessFilter) -> Result<Asked> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let person = match text(&filter.person) {
        None => None,
        Some(person) => Some(match person.parse::<Uuid>() {
            Ok(id) => id,
            Err(_) => {
                let lookup = sessions::login_lookup(engine, &person);
                let found = db::people::find_by_login(&mut *engine.app.acquire().await?, &lookup).await?;
                found.map(|account| account.id.0).ok_or_else(|| {
                    Error::field("/person", "unknown", "Nobody has this sign-in name. Write it in full, or an id.")
                })?
            }
        }),
    };
    let object = text(&filter.object).map(|object| object.parse::<Uuid>()).transpose().map_err(|_| {
        Error::field("/object", "wrong_kind", "Write the whole id of a decision, person, system or entry.")
    })?;
    let kinds = text(&filter.kind)
        .map(|kind| {
            let group = AccessGroup::from_word(&kind)
                .ok_or_else(|| Error::field("/kind", "unknown_value", "Choose a kind from the list."))?;
            Ok::<_, Error>(group.kinds().iter().map(|kind| (*kind).to_owned()).collect())
        })
        .transpose()?;
    let a_day = |pointer: &str, value: &str| {
        let read = text(value).map(|value| {
            day(&value).ok_or_else(|| Error::field(pointer, "wrong_kind", "Write a day such as 2026-11-02."))
        });
        read.transpose()
    };
    let from = a_day("/from", &filter.from)?;
    let to = a_day("/to", &filter.to)?.map(|to| to + DAY_MS);
    if from.zip(to).is_some_and(|(from, to)| to <= from) {
        return Err(Error::field("/to", "before_from", "The last day is before the first."));
    }
    let before = text(&filter.before).map(|before| before.parse::<u64>()).transpose().map_err(|_| {
        Error::field("/before", "wrong_kind", "This page address is not one that the access log made. Start anew.")
    })?;

    Ok(Asked { person, object, kinds, from, to, before })
}

/// Writes a question in words that say the same for ever.
fn question(filter: &AccessFilter, reach: Reach) -> String {
    let reach = match reach {
        Reach::All => "all",
        Reach::Operations => "operations",
        Reach::Systems => "systems",
        Reach::Own => "own",
    };
    let fields = [
        ("person", &filter.person),
        ("object", &filter.object),
        ("kind", &filter.kind),
        ("from", &filter.from),
        ("to", &filter.to),
        ("before", &filter.before),
    ];
    let asked = fields.iter().filter(|(_, value)| !value.trim().is_empty());
    asked.fold(format!("access {reach}"), |text, (name, value)| format!("{text} {name}={}", value.trim()))
}

async fn rows(conn: &mut PgConnection, engine: &Engine, found: Vec<Found>) -> Result<Vec<AccessRow>> {
    let mut leaves = Vec::with_capacity(found.len());
    for found in found {
        let leaf = Leaf::parse(&found.bytes)?;
        let sid = leaf.actor.sid.as_deref().and_then(|sid| sid.parse::<Uuid>().ok());
        leaves.push((u64::try_from(found.idx).unwrap_or(0), leaf, sid));
    }
    let of = |kind: ActorKind| {
        let sids: BTreeSet<Uuid> =
            leaves.iter().filter(|(_, leaf, _)| leaf.actor.as_ == kind).filter_map(|(_, _, sid)| *sid).collect();
        sids
    };
    let people: Vec<_> = of(ActorKind::Person).into_iter().map(PersonId).collect();
    let people = people::names(conn, engine, &people).await?;
    let agents: Vec<_> = of(ActorKind::Agent).into_iter().collect();
    let systems: HashMap<Uuid, String> = db::systems::names(conn, &agents).await?.into_iter().collect();

    let who = |leaf: &Leaf, sid: Option<Uuid>| match (leaf.actor.as_, sid) {
        (ActorKind::Person, Some(sid)) => people.get(&PersonId(sid)).cloned().unwrap_or_else(people::erased),
        (ActorKind::Agent, Some(sid)) => systems.get(&sid).cloned().unwrap_or_else(|| "auditor token".to_owned()),
        (ActorKind::Anonymous, _) => "nobody known".to_owned(),
        (kind, _) => kind.as_str().to_owned(),
    };
    Ok(leaves
        .iter()
        .map(|(index, leaf, sid)| {
            let member = |name: &str| leaf.d.as_ref().and_then(|d| d.get(name));
            let word = |name: &str| member(name).and_then(|value| value.as_text()).map(|word| word.replace('_', " "));
            AccessRow {
                index: *index,
                at: leaf.at,
                who: who(leaf, *sid),
                who_id: leaf.actor.sid.clone(),
                actor: leaf.actor.as_.as_str().to_owned(),
                kind: leaf.kind.clone(),
                detail: match (word("list"), word("action"), word("cause")) {
                    (Some(list), ..) => list,
                    (_, Some(action), Some(cause)) => format!("{action}: {cause}"),
                    (_, Some(action), None) => action,
                    _ => String::new(),
                },
                object: leaf.obj.as_ref().map(|object| object.t.clone()),
                object_id: leaf.obj.as_ref().map(|object| object.id.clone()),
                count: member("count").and_then(|count| count.as_integer()),
            }
        })
        .collect())
}

/// Writes the table; an auditor's file names auditor and audit in each row.
fn table(rows: &[AccessRow], mark: Option<&str>) -> String {
    let heading = ["entry", "at", "who", "who_id", "actor", "kind", "detail", "object", "object_id", "count"];
    let mut text = csv::row(heading.into_iter().chain(mark.map(|_| "exported_for")));
    for row in rows {
        let cells = [
            row.index.to_string(),
            rfc3339(row.at),
            row.who.clone(),
            row.who_id.clone().unwrap_or_default(),
            row.actor.clone(),
            row.kind.clone(),
            row.detail.clone(),
            row.object.clone().unwrap_or_default(),
            row.object_id.clone().unwrap_or_default(),
            row.count.map(|count| count.to_string()).unwrap_or_default(),
        ];
        text += &csv::row(cells.into_iter().chain(mark.map(str::to_owned)));
    }
    text
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_what_was_asked_and_nothing_else() {
        let filter = AccessFilter { kind: "read".into(), from: " 2026-11-02 ".into(), ..AccessFilter::default() };

        assert_eq!(question(&AccessFilter::default(), Reach::All), "access all");
        assert_eq!(question(&filter, Reach::Operations), "access operations kind=read from=2026-11-02");
    }
}
