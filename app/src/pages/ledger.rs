//! `/ledger` and `/ledger/{index}`: the log as it stands, and one entry with its path to the root.

use countersign_domain::{
    problem::{Code, Problem},
    time::{duration, rfc3339},
    view::{EntryRow, EntryView, LedgerView, PathStep},
};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    Error,
    components::{
        form::Weight,
        icons::{Icon, Shape},
        kinds::kind_words,
        page::{Fact, PageHeader, PageTitle, Pager, Panel, Refusal, Skeleton, TitleText},
        text::{CopyId, Payload},
        time::{Exact, Moment},
    },
    wire::Json,
};

/// Reads the state of the log and one page of entries.
#[server(prefix = "/act", endpoint = "ledger", output = Json)]
pub(crate) async fn ledger(before: Option<u64>) -> Result<LedgerView, Error> {
    use countersign_engine::ledger;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, ledger::view(&engine, &caller, before).await)
}

/// Reads one entry with its proof.
#[server(prefix = "/act", endpoint = "entry", output = Json)]
pub(crate) async fn entry(index: u64) -> Result<EntryView, Error> {
    use countersign_engine::ledger;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, ledger::entry(&engine, &caller, index).await)
}

/// The ledger page.
#[component]
pub(crate) fn LedgerPage() -> impl IntoView {
    let query = use_query_map();
    let before =
        Memo::new(move |_| query.with(|query| query.get("before").and_then(|before| before.parse::<u64>().ok())));
    let view = Resource::new(move || before.get(), ledger);

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=6/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        view! { <Whole shown paged=before.get_untracked().is_some()/> }.into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Whole(shown: LedgerView, paged: bool) -> impl IntoView {
    let bound = bound(&shown);
    let pending = pending(&shown);
    let older = shown.older.map(|before| format!("/ledger?before={before}"));
    let newest = paged.then(|| "/ledger".to_owned());
    let empty = shown.entries.is_empty();

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-reading">{bound}</p>
            <p class="text-muted tabular-nums">{pending} " As of " <Moment at=shown.now/> "."</p>
        </PageHeader>
        <div class="grid max-w-5xl gap-6">
            <Panel title=strings::HEAD>
                <dl class="grid gap-1.5">
                    <Fact name=strings::SIZE>
                        <span class="tabular-nums">{shown.size}</span>
                    </Fact>
                    <Fact name=strings::ROOT>
                        <CopyId id=shown.root label="root"/>
                    </Fact>
                    <Fact name=strings::PUBLISHED>
                        {match shown.published_at {
                            Some(at) => {
                                view! {
                                    <span class="tabular-nums">
                                        {format!("Size {} at ", shown.published_size)} <Moment at/>
                                    </span>
                                }
                                    .into_any()
                            }
                            None => strings::NOT_PUBLISHED.into_any(),
                        }}
                    </Fact>
                    <Fact name=strings::ORIGIN>
                        <CopyId id=shown.origin label="origin"/>
                    </Fact>
                    <Fact name=strings::KEY>
                        <CopyId id=shown.vkey label="verifier key"/>
                    </Fact>
                    <Fact name=strings::EPOCH>
                        <span class="tabular-nums">{shown.epoch}</span>
                    </Fact>
                </dl>
                {shown
                    .checkpoint
                    .map(|checkpoint| {
                        view! {
                            <crate::components::dialogue::Disclosure summary=strings::CHECKPOINT>
                                <Payload value=checkpoint/>
                            </crate::components::dialogue::Disclosure>
                        }
                    })}
                <p>
                    <a href="/verify" rel="external" class="text-accent underline">
                        {strings::VERIFY}
                    </a>
                </p>
            </Panel>
            <section aria-label=strings::ENTRIES>
                {if empty {
                    view! { <p class="text-muted">{strings::NONE}</p> }.into_any()
                } else {
                    view! { <Entries entries=shown.entries/> }.into_any()
                }}
                <Pager label=strings::PAGES newest older/>
            </section>
        </div>
    }
}

/// Says how far the ledger is protected, and against whom.
fn bound(shown: &LedgerView) -> String {
    match &shown.held {
        Some(held) if held.size > 0 => format!(
            "Protected up to #{}, kept outside ({}) since {}. Entries above could still be rewritten by someone with the signing key and the database.",
            held.size - 1,
            held.by,
            rfc3339(held.since)
        ),
        _ => "Nobody outside keeps a checkpoint yet, so someone with the signing key and the database could still rewrite entries unseen. Download a proof or the checkpoint and keep it.".to_owned(),
    }
}

/// Says what is recorded and not sealed.
fn pending(shown: &LedgerView) -> String {
    match shown.pending_count {
        0 => "Everything recorded is sealed.".to_owned(),
        count => format!("{count} recorded and not sealed yet, the oldest for {}.", duration(shown.pending_oldest_ms)),
    }
}

#[component]
fn Entries(entries: Vec<EntryRow>) -> impl IntoView {
    const HEAD: &str = "px-4 py-2 text-left text-compact font-medium text-muted";
    const CELL: &str = "px-4 py-2 align-top max-sm:block max-sm:py-0.5";
    let rows = entries
        .into_iter()
        .map(|entry| {
            view! {
                <tr class="hover:bg-raised max-sm:block max-sm:py-2">
                    <td class=CELL>
                        <a href=format!("/ledger/{}", entry.index) class="font-medium text-accent tabular-nums hover:underline no-underline">
                            {format!("#{}", entry.index)}
                        </a>
                    </td>
                    <td class=CELL>{kind_words(&entry.kind).to_owned()}</td>
                    <td class=CELL>{entry.actor.clone()}</td>
                    <td class=CELL>
                        <ObjectLink object=entry.object object_id=entry.object_id/>
                    </td>
                    <td class=CELL>
                        <Exact at=entry.at/>
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <div class="overflow-x-auto rounded-dialog border border-hairline bg-surface">
            <table class="w-full max-sm:block">
                <caption class="sr-only">{strings::ENTRIES}</caption>
                <thead class="border-b border-hairline max-sm:sr-only">
                    <tr>
                        <th scope="col" class=HEAD>{strings::INDEX}</th>
                        <th scope="col" class=HEAD>{strings::KIND}</th>
                        <th scope="col" class=HEAD>{strings::ACTOR}</th>
                        <th scope="col" class=HEAD>{strings::OBJECT}</th>
                        <th scope="col" class=HEAD>{strings::WHEN}</th>
                    </tr>
                </thead>
                <tbody class="divide-y divide-hairline max-sm:block">{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn ObjectLink(object: Option<String>, object_id: Option<String>) -> impl IntoView {
    match (object, object_id) {
        (Some(object), Some(id)) if object == "decision" => view! {
            <a href=format!("/decisions/{id}") class="text-accent hover:underline no-underline">
                {strings::DECISION} " " <span class="font-mono text-compact">{short(&id)}</span>
            </a>
        }
        .into_any(),
        (Some(object), Some(id)) => view! {
            {object.replace('_', " ")}
            " "
            <span class="font-mono text-compact text-muted" title=id.clone()>
                {short(&id)}
            </span>
        }
        .into_any(),
        (Some(object), None) => object.into_any(),
        _ => "–".into_any(),
    }
}

/// The end of an id, as screens print it.
fn short(id: &str) -> String {
    let simple: Vec<_> = id.chars().filter(|character| *character != '-').collect();
    simple[simple.len().saturating_sub(8)..].iter().collect::<String>().to_ascii_uppercase()
}

/// The page of one entry.
#[component]
pub(crate) fn EntryPage() -> impl IntoView {
    let params = use_params_map();
    let index =
        Memo::new(move |_| params.with(|params| params.get("index").and_then(|index| index.parse::<u64>().ok())));
    let view = Resource::new(
        move || index.get(),
        |index| async move {
            match index {
                Some(index) => entry(index).await,
                None => Err(nothing_here()),
            }
        },
    );

    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=5/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <Entry shown/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn nothing_here() -> Error {
    #[cfg(feature = "ssr")]
    crate::request::status(Code::NotFound.status());
    Error::Told { problem: Problem::new(Code::NotFound, strings::NO_ENTRY), request: String::new() }
}

#[component]
fn Entry(shown: EntryView) -> impl IntoView {
    let EntryView { log, row, leaf, leaf_hash, size, root, path, proof, now } = shown;
    let index = row.index;
    let file = format!("entry-{index}.tlog-proof");
    let command = format!("countersign verify {file} --trust trust-policy.txt");
    let hash = leaf_hash.clone();
    let kind = kind_words(&row.kind).to_owned();

    view! {
        <PageTitle text=TitleText::entry(index)/>
        <p class="mb-2 text-compact text-muted print:hidden">
            <a href="/ledger" class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline">
                <Icon shape=Shape::Back class="size-4"/>
                {strings::TITLE}
            </a>
        </p>
        <PageHeader title=move || format!("Entry #{index}")>
            <p class="text-muted">{kind} " · " <Exact at=row.at/></p>
        </PageHeader>
        <div class="grid max-w-5xl gap-6">
            <Panel title=strings::ENTRY>
                <dl class="grid gap-1.5">
                    <Fact name=strings::ACTOR>{row.actor}</Fact>
                    <Fact name=strings::OBJECT>
                        <ObjectLink object=row.object object_id=row.object_id/>
                    </Fact>
                    <Fact name=strings::ID>
                        <CopyId id=row.id.to_string() label="entry id"/>
                    </Fact>
                    <Fact name=strings::LEAF_HASH>
                        <CopyId id=hash label="leaf hash"/>
                    </Fact>
                </dl>
                <div class="grid gap-1">
                    <h3 class="text-body font-semibold">{strings::LEAF}</h3>
                    <p class="text-compact text-muted">{strings::LEAF_TEXT}</p>
                    <Payload value=leaf/>
                </div>
            </Panel>
            <Panel title=strings::PATH>
                <MerklePath index leaf_hash path size root/>
                <p class="text-compact text-muted">{strings::COMPUTED_BY} " " <Moment at=now/></p>
            </Panel>
            <Panel title=strings::PROOF>
                <div class="flex flex-wrap items-center gap-3">
                    <a href=format!("/ledger/{log}/proof/{index}") download=file class=Weight::Plain.class()>
                        <Icon shape=Shape::Download class="size-4"/>
                        {strings::DOWNLOAD}
                    </a>
                    <CopyId id=command label="command"/>
                </div>
                <crate::components::dialogue::Disclosure summary=strings::PROOF_TEXT>
                    <Payload value=proof/>
                </crate::components::dialogue::Disclosure>
            </Panel>
        </div>
    }
}

/// Height of one level of the figure, and where its columns stand.
const LEVEL: usize = 46;
const LEFT: usize = 40;
const MIDDLE: usize = 180;
const RIGHT: usize = 320;

/// The way from a leaf to the root: supplied hashes are filled, computed ones outlined.
#[component]
fn MerklePath(index: u64, leaf_hash: String, path: Vec<PathStep>, size: u64, root: String) -> impl IntoView {
    // On a phone each step is a block of lines, and each line says what it is.
    const CELL: &str = "py-1.5 pr-4 align-top tabular-nums max-sm:block max-sm:py-0.5 max-sm:pr-0";
    const LABEL: &str = "mr-2 text-muted sm:hidden";
    let levels = path.len();
    let height = (levels + 1) * LEVEL + 16;
    let y = move |level: usize| height - LEVEL / 2 - 8 - level * LEVEL;
    let caption = match levels {
        0 => format!("The log has one entry, so the leaf hash of #{index} is the root."),
        1 => format!("Entry #{index} and 1 supplied hash give the root at size {size}."),
        levels => format!("Entry #{index} and {levels} supplied hashes give the root at size {size}."),
    };
    let parents: Vec<_> =
        std::iter::once(leaf_hash.clone()).chain(path.iter().map(|step| step.parent.clone())).collect();
    let lines = path
        .iter()
        .enumerate()
        .map(|(level, step)| {
            let side = if step.left { LEFT } else { RIGHT };
            view! {
                <line x1=MIDDLE y1=y(level) x2=MIDDLE y2=y(level + 1) class="stroke-accent" stroke-width="3"/>
                <line x1=side y1=y(level) x2=MIDDLE y2=y(level + 1) class="stroke-control" stroke-width="1.5"/>
            }
        })
        .collect_view();
    let siblings = path
        .iter()
        .enumerate()
        .map(|(level, step)| {
            let x = if step.left { LEFT } else { RIGHT };
            view! {
                <rect x=x - 7 y=y(level) - 7 width="14" height="14" rx="3" class="fill-control"/>
                <text x=x y=y(level) + 22 text-anchor="middle" class="fill-muted font-mono text-[11px]">
                    {first(&step.sibling)}
                </text>
            }
        })
        .collect_view();
    let nodes = parents
        .iter()
        .enumerate()
        .map(|(level, hash)| {
            view! {
                <circle cx=MIDDLE cy=y(level) r="7" class="fill-surface stroke-accent" stroke-width="2.5"/>
                <text x=MIDDLE + 14 y=y(level) + 4 class="fill-text font-mono text-[11px]">
                    {first(hash)}
                </text>
            }
        })
        .collect_view();
    let rows = path
        .into_iter()
        .enumerate()
        .map(|(level, step)| {
            view! {
                <tr class="max-sm:block max-sm:py-2">
                    <td class=CELL>
                        <span class=LABEL>{strings::LEVEL}</span>
                        {level + 1}
                    </td>
                    <td class=CELL>
                        <span class=LABEL>{strings::SIDE}</span>
                        {if step.left { strings::ON_LEFT } else { strings::ON_RIGHT }}
                    </td>
                    <td class=CELL>
                        <span class=LABEL>{strings::SUPPLIED}</span>
                        <CopyId id=step.sibling label="supplied hash"/>
                    </td>
                    <td class=CELL>
                        <span class=LABEL>{strings::COMPUTED}</span>
                        <CopyId id=step.parent label="computed hash"/>
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <figure class="grid gap-4">
            <figcaption id="path-caption" class="max-w-measure">
                {caption}
            </figcaption>
            <svg
                role="img"
                aria-labelledby="path-caption"
                viewBox=format!("0 0 360 {height}")
                width="360"
                height=height
                class="h-auto max-w-full"
            >
                {lines}
                {siblings}
                {nodes}
            </svg>
            <div class="overflow-x-auto">
                <table class="w-full text-compact max-sm:block">
                    <caption class="sr-only">{strings::STEPS}</caption>
                    <thead class="border-b border-hairline text-left text-compact text-muted max-sm:hidden">
                        <tr>
                            <th scope="col" class="py-1.5 pr-4 font-medium">{strings::LEVEL}</th>
                            <th scope="col" class="py-1.5 pr-4 font-medium">{strings::SIDE}</th>
                            <th scope="col" class="py-1.5 pr-4 font-medium">{strings::SUPPLIED}</th>
                            <th scope="col" class="py-1.5 font-medium">{strings::COMPUTED}</th>
                        </tr>
                    </thead>
                    <tbody class="divide-y divide-hairline max-sm:block">{rows}</tbody>
                </table>
            </div>
            <dl class="grid gap-1.5">
                <Fact name=strings::ROOT>
                    <CopyId id=root label="root"/>
                </Fact>
            </dl>
        </figure>
    }
}

/// The beginning of a hash, for the figure; the table has all of it.
fn first(hash: &str) -> String {
    format!("{}…", hash.chars().take(8).collect::<String>())
}

mod strings {
    pub(super) const TITLE: &str = "Ledger";
    pub(super) const HEAD: &str = "Head";
    pub(super) const SIZE: &str = "Signed size";
    pub(super) const ROOT: &str = "Root";
    pub(super) const PUBLISHED: &str = "Published";
    pub(super) const NOT_PUBLISHED: &str = "Nothing is published yet.";
    pub(super) const ORIGIN: &str = "Origin";
    pub(super) const KEY: &str = "Verifier key";
    pub(super) const EPOCH: &str = "Sequencer epoch";
    pub(super) const CHECKPOINT: &str = "Published checkpoint, whole";
    pub(super) const VERIFY: &str = "Verify a proof in this browser";
    pub(super) const ENTRIES: &str = "Entries";
    pub(super) const NONE: &str = "No entries yet.";
    pub(super) const PAGES: &str = "Pages of entries";
    pub(super) const INDEX: &str = "Index";
    pub(super) const KIND: &str = "Entry";
    pub(super) const ACTOR: &str = "By";
    pub(super) const OBJECT: &str = "About";
    pub(super) const WHEN: &str = "When";
    pub(super) const DECISION: &str = "decision";
    pub(super) const NO_ENTRY: &str = "There is no entry at this place that you may read.";
    pub(super) const ENTRY: &str = "Entry";
    pub(super) const ID: &str = "Entry id";
    pub(super) const LEAF_HASH: &str = "Leaf hash";
    pub(super) const LEAF: &str = "Leaf as stored";
    pub(super) const LEAF_TEXT: &str =
        "The exact bytes that are hashed. Personal text is not in them: a commitment stands for it.";
    pub(super) const PATH: &str = "Path to the root";
    pub(super) const COMPUTED_BY: &str = "Computed by this server; download the proof to compute it elsewhere. As of";
    pub(super) const STEPS: &str = "Steps from the leaf to the root";
    pub(super) const LEVEL: &str = "Level";
    pub(super) const SIDE: &str = "Supplied hash stands";
    pub(super) const SUPPLIED: &str = "Supplied hash";
    pub(super) const COMPUTED: &str = "Computed parent";
    pub(super) const ON_LEFT: &str = "on the left";
    pub(super) const ON_RIGHT: &str = "on the right";
    pub(super) const PROOF: &str = "Proof";
    pub(super) const PROOF_TEXT: &str = "Proof file, whole";
    pub(super) const DOWNLOAD: &str = "Download proof";
}

#[cfg(test)]
mod tests {
    use countersign_domain::view::HeldRow;

    use super::*;

    #[test]
    fn the_head_names_the_bound_and_never_claims_more() {
        let mut shown = view();

        assert!(bound(&shown).starts_with("Nobody outside keeps a checkpoint yet"));
        shown.held = Some(HeldRow { size: 48_214, by: "witness w1".into(), since: 0 });
        assert!(
            bound(&shown)
                .starts_with("Protected up to #48213, kept outside (witness w1) since 1970-01-01T00:00:00.000Z.")
        );
    }

    #[test]
    fn unsealed_entries_are_counted_and_aged() {
        let mut shown = view();

        assert_eq!(pending(&shown), "Everything recorded is sealed.");
        (shown.pending_count, shown.pending_oldest_ms) = (3, 7_000);
        assert_eq!(pending(&shown), "3 recorded and not sealed yet, the oldest for 7 s.");
    }

    #[test]
    fn ids_of_any_length_shorten() {
        assert_eq!(short("01a19b7d-90e0-7f95-ae73-2979886b812a"), "886B812A");
        assert_eq!(short("ab"), "AB");
    }

    fn view() -> LedgerView {
        LedgerView {
            log: "0123456789abcdef".into(),
            origin: "desk.example.org/ledger".into(),
            vkey: "desk+1+a".into(),
            size: 0,
            root: String::new(),
            checkpoint: None,
            published_at: None,
            published_size: 0,
            pending_count: 0,
            pending_oldest_ms: 0,
            epoch: 1,
            held: None,
            entries: Vec::new(),
            older: None,
            now: 0,
        }
    }
}
