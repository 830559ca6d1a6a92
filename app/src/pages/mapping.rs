//! `/admin/sso/{provider}`: which roles follow from what a provider says, and who gains or loses before it does.

#![expect(clippy::too_many_arguments, reason = "a server function takes one argument per field of its form")]

use countersign_domain::{
    Problem,
    ids::{MappingVersionId, ProviderId},
    mapping::{DryRun, MappingTest, MappingVersion, MappingView, ShownRow},
    role::Role,
    role_map::ClaimLine,
};
use leptos::{form::ActionForm, html, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    Error,
    answer::{Answer, answer_of, recorded, typed},
    components::{
        admin::{Choose, Line, LineKind},
        dry_run::{EffectTable, summary},
        form::{ErrorSummary, Submit, Weight, error_of},
        holding::Held,
        marks::{Chip, Tone},
        page::{Banner, Bar, Empty, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::SafeTextArea,
        time::Moment,
    },
    wire::Json,
};

/// Reads a provider's mapping.
#[server(prefix = "/act", endpoint = "mapping", output = Json)]
pub(crate) async fn mapping(slug: String) -> Result<MappingView, Error> {
    use countersign_engine::role_mappings;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, role_mappings::view(&engine, &caller, &slug).await)
}

/// Adds a row to the draft, or puts it in the place of one.
#[server(prefix = "/act", endpoint = "save-mapping-row", output = Json)]
pub(crate) async fn save_mapping_row(
    provider: ProviderId,
    slug: String,
    #[server(default)] base: String,
    #[server(default)] at: String,
    #[server(default)] claim: String,
    #[server(default)] test: String,
    #[server(default)] value: String,
    #[server(default)] role: String,
    #[server(default)] systems: String,
    #[server(default)] until: String,
) -> Result<Answer, Error> {
    use countersign_domain::mapping::RowForm;
    use countersign_engine::role_mappings;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let form = RowForm { claim, test, value, role, systems, until };
    let (base, at) = (base.parse().ok(), at.parse().ok());
    let done = act(async move { role_mappings::save_row(&engine, &caller, provider, base, at, &form).await }).await;

    Ok(told(done.map(|()| Answer::done(page_of(&slug)))))
}

/// Takes a row out of the draft.
#[server(prefix = "/act", endpoint = "remove-mapping-row", output = Json)]
pub(crate) async fn remove_mapping_row(
    provider: ProviderId,
    slug: String,
    #[server(default)] base: String,
    at: u64,
) -> Result<Answer, Error> {
    use countersign_engine::role_mappings;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let (base, at) = (base.parse().ok(), usize::try_from(at).unwrap_or(usize::MAX));
    let done = act(async move { role_mappings::remove_row(&engine, &caller, provider, base, at).await }).await;

    Ok(told(done.map(|()| Answer::done(page_of(&slug)))))
}

/// Throws the draft away.
#[server(prefix = "/act", endpoint = "discard-mapping", output = Json)]
pub(crate) async fn discard_mapping(
    provider: ProviderId,
    slug: String,
    version: MappingVersionId,
) -> Result<Answer, Error> {
    use countersign_engine::role_mappings;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { role_mappings::discard(&engine, &caller, provider, version).await }).await;

    Ok(told(done.map(|()| Answer::done(page_of(&slug)))))
}

/// Brings the draft into force, or asks for a second person.
#[server(prefix = "/act", endpoint = "apply-mapping", output = Json)]
pub(crate) async fn apply_mapping(
    provider: ProviderId,
    slug: String,
    version: MappingVersionId,
    dry_run: String,
) -> Result<Answer, Error> {
    use countersign_engine::role_mappings;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { role_mappings::apply(&engine, &caller, provider, version, &dry_run).await }).await;

    Ok(told(done.map(|waits| match waits {
        Some(_) => Answer::done("/admin/changes"),
        None => Answer::done(page_of(&slug)),
    })))
}

/// Lets people in who are not members yet, or no longer.
#[server(prefix = "/act", endpoint = "just-in-time", output = Json)]
pub(crate) async fn just_in_time(provider: ProviderId, slug: String, on: bool) -> Result<Answer, Error> {
    use countersign_engine::providers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { providers::set_just_in_time(&engine, &caller, provider, on).await }).await;

    Ok(told(done.map(|()| Answer::done(page_of(&slug)))))
}

/// The page of a mapping; only the characters of a short name lead anywhere.
#[cfg(feature = "ssr")]
fn page_of(slug: &str) -> String {
    let fits = |character: &char| character.is_ascii_lowercase() || character.is_ascii_digit() || *character == '-';
    format!("/admin/sso/{}", slug.chars().filter(fits).take(32).collect::<String>())
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    save: ServerAction<SaveMappingRow>,
    remove: ServerAction<RemoveMappingRow>,
    discard: ServerAction<DiscardMapping>,
    apply: ServerAction<ApplyMapping>,
    just_in_time: ServerAction<JustInTime>,
}

/// Which mapping a form is about.
#[derive(Clone)]
struct Of {
    provider: String,
    slug: String,
    base: String,
}

/// The page of one provider's mapping.
#[component]
pub(crate) fn MappingPage() -> impl IntoView {
    let acts = Acts {
        save: ServerAction::new(),
        remove: ServerAction::new(),
        discard: ServerAction::new(),
        apply: ServerAction::new(),
        just_in_time: ServerAction::new(),
    };
    let (params, query) = (use_params_map(), use_query_map());
    let counts = [
        recorded(acts.save),
        recorded(acts.remove),
        recorded(acts.discard),
        recorded(acts.apply),
        recorded(acts.just_in_time),
    ];
    let asked = move || {
        let slug = params.with(|params| params.get("provider").unwrap_or_default());
        (slug, counts.map(|count| count.get()))
    };
    let view = Resource::new(asked, |(slug, _)| mapping(slug));
    let saved = answer_of(acts.save);
    let row_problem = Signal::derive(move || saved.get().and_then(Answer::problem));
    let answers =
        [answer_of(acts.remove), answer_of(acts.discard), answer_of(acts.apply), answer_of(acts.just_in_time)];
    let problem = Signal::derive(move || answers.iter().filter_map(Signal::get).find_map(Answer::problem));
    let edited = Memo::new(move |_| query.with(|query| query.get("row").and_then(|row| row.parse::<usize>().ok())));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        let kept = StoredValue::new(shown);
                        let name = kept.with_value(|shown| format!("Roles from {}", shown.name));
                        view! {
                            <PageHeader title=move || name.clone()>
                                <p class="flex max-w-measure flex-wrap gap-3 text-muted">
                                    {strings::INTRO} <a href="/admin/sso" class="text-accent underline">{strings::BACK}</a>
                                </p>
                            </PageHeader>
                            <div class="grid max-w-5xl gap-6">
                                <ErrorSummary problem/>
                                {move || {
                                    let shown = kept.get_value();
                                    view! { <Contents shown acts edited=edited.get() row_problem/> }.into_any()
                                }}
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Contents(
    shown: MappingView,
    acts: Acts,
    edited: Option<usize>,
    row_problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let MappingView { provider, slug, active, draft, dry_run, waiting, test, systems, .. } = shown.clone();
    let current = draft.clone().or(active.clone());
    let of = Of {
        provider: provider.to_string(),
        slug: slug.clone(),
        base: current.as_ref().map(|version| version.id.to_string()).unwrap_or_default(),
    };
    let rows = current.map(|version| version.rows).unwrap_or_default();
    let filled = edited.and_then(|at| rows.get(at).cloned().map(|row| (at, row)));
    let verdicts = test.as_ref().map(|test| test.rows.clone());
    let note = state(draft.as_ref(), active.as_ref());
    let (for_people, for_rows, for_effects) = (of.clone(), of.clone(), of.clone());

    view! {
        <People shown of=for_people acts/>
        <Panel title=strings::ROWS>
            {note}
            {rows
                .is_empty()
                .then(|| view! { <Empty title=strings::NO_ROWS reason=strings::NO_ROWS_REASON/> })}
            <Rows rows verdicts of=for_rows acts/>
        </Panel>
        {draft
            .zip(dry_run)
            .map(|(draft, dry_run)| {
                view! { <Effects draft dry_run waits=waiting.is_some() of=for_effects acts/> }.into_any()
            })}
        <RowPanel filled systems of acts problem=row_problem/>
        <Tested test slug/>
    }
}

/// Says whether the rows on the page are in force.
fn state(draft: Option<&MappingVersion>, active: Option<&MappingVersion>) -> AnyView {
    match (draft, active) {
        (Some(draft), _) => {
            let (by, at) = (format!("{} {}, ", strings::DRAFT, draft.saved_by), draft.at);
            view! {
                <Banner bar=Bar::Stale>
                    <p>{by} <Moment at/> ". " {strings::DRAFT_NOTE}</p>
                </Banner>
            }
            .into_any()
        }
        (None, Some(active)) => {
            let at = active.at;
            view! { <p class="text-compact text-muted">{strings::IN_FORCE} " " <Moment at/> "."</p> }.into_any()
        }
        (None, None) => ().into_any(),
    }
}

/// Who is known by the provider, and whether strangers become members.
#[component]
fn People(shown: MappingView, of: Of, acts: Acts) -> impl IntoView {
    let on = shown.just_in_time;
    let (sentence, button) = match on {
        true => (strings::JUST_IN_TIME_ON, strings::JUST_IN_TIME_END),
        false => (strings::JUST_IN_TIME_OFF, strings::JUST_IN_TIME_BEGIN),
    };
    let known = match shown.people_count {
        0 => "Nobody is known by this provider yet.".to_owned(),
        1 => "1 person is known by this provider.".to_owned(),
        count => format!("{count} people are known by this provider."),
    };
    let overage = match shown.overage_count {
        0 => None,
        1 => Some(format!("1 person has {}", strings::OVERAGE)),
        count => Some(format!("{count} people have {}", strings::OVERAGE)),
    };

    view! {
        <Panel title=strings::PEOPLE>
            <p>{known}</p>
            {overage.map(|overage| view! { <Banner bar=Bar::Stale>{overage}</Banner> })}
            <div class="flex flex-wrap items-center justify-between gap-3">
                <p class="max-w-measure">{sentence}</p>
                <ActionForm action=acts.just_in_time>
                    <input type="hidden" name="provider" value=of.provider/>
                    <input type="hidden" name="slug" value=of.slug/>
                    <input type="hidden" name="on" value=(!on).to_string()/>
                    <Submit weight=Weight::Plain pending=acts.just_in_time.pending()>
                        {button}
                    </Submit>
                </ActionForm>
            </div>
        </Panel>
    }
}

#[component]
fn Rows(rows: Vec<ShownRow>, verdicts: Option<Vec<(bool, String)>>, of: Of, acts: Acts) -> impl IntoView {
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(at, row)| {
            let verdict = verdicts.as_ref().and_then(|verdicts| verdicts.get(at).cloned());
            let edit = format!("/admin/sso/{}?row={at}#claim", of.slug);
            let of = of.clone();
            view! {
                <li class="flex flex-wrap items-start justify-between gap-3 py-3">
                    <div class="grid min-w-0 gap-1">
                        <p class="[overflow-wrap:anywhere]">{condition(&row)}</p>
                        <p class="text-muted">
                            "gives " <Held holding=row.holding/>
                        </p>
                        {verdict
                            .map(|(matched, why)| {
                                let tone = if matched { Tone::Approve } else { Tone::Plain };
                                let word = if matched { strings::FITS } else { strings::FITS_NOT };
                                view! {
                                    <p class="flex flex-wrap items-center gap-2 text-compact">
                                        <Chip tone text=word/>
                                        <span class="[overflow-wrap:anywhere]">{strings::YOUR_TEST} " " {why}</span>
                                    </p>
                                }
                            })}
                    </div>
                    <div class="flex flex-wrap gap-3">
                        <a href=edit class=Weight::Plain.class() aria-label=format!("Change row {}", at + 1)>
                            {strings::CHANGE}
                        </a>
                        <ActionForm action=acts.remove>
                            <input type="hidden" name="provider" value=of.provider/>
                            <input type="hidden" name="slug" value=of.slug/>
                            <input type="hidden" name="base" value=of.base/>
                            <input type="hidden" name="at" value=at.to_string()/>
                            <Submit weight=Weight::Ending pending=acts.remove.pending()>
                                {format!("Remove row {}", at + 1)}
                            </Submit>
                        </ActionForm>
                    </div>
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <ol aria-label=strings::ROWS class="divide-y divide-hairline">
            {rows}
        </ol>
    }
}

/// Says what a row asks for.
fn condition(row: &ShownRow) -> String {
    let values = row.values.join(", ");
    let claim = if row.claim == SCIM_GROUPS { "a pushed group" } else { row.claim.as_str() };
    match row.test.as_str() {
        "pattern" => format!("{claim} is like {values}"),
        "in_list" => format!("{claim} is one of {values}"),
        _ => format!("{claim} is {values}"),
    }
}

/// Where groups that a directory pushed stand among the claims.
const SCIM_GROUPS: &str = countersign_domain::role_map::SCIM_GROUPS;

/// Who gains and loses, and the button that makes it so.
#[component]
fn Effects(draft: MappingVersion, dry_run: DryRun, waits: bool, of: Of, acts: Acts) -> impl IntoView {
    let summary = summary(&dry_run);
    let unknown = match dry_run.without_snapshot {
        0 => None,
        1 => Some(format!("1 person {}", strings::NOT_SEEN_ONE)),
        count => Some(format!("{count} people {}", strings::NOT_SEEN)),
    };
    let blocked = dry_run.blocked.clone();
    let open = blocked.is_none() && !waits;
    let (note, button) = match dry_run.needs_second_person {
        true => (strings::WAITS, strings::ASK),
        false => (strings::AT_ONCE, strings::APPLY),
    };
    let version = draft.id.to_string();
    let (discarded, discard_of) = (version.clone(), of.clone());

    view! {
        <Panel title=strings::EFFECT>
            <p>{summary}</p>
            {unknown.map(|unknown| view! { <p class="text-muted">{unknown}</p> })}
            <EffectTable effects=dry_run.effects/>
            {blocked.map(|blocked| view! { <Banner bar=Bar::Stale>{blocked}</Banner> })}
            {waits
                .then(|| {
                    view! {
                        <Banner bar=Bar::Note>
                            {strings::WAITING} " "
                            <a href="/admin/changes" class="underline">{strings::CHANGES}</a>
                        </Banner>
                    }
                })}
            {open.then(|| view! { <Banner bar=Bar::Note>{note}</Banner> })}
            <div class="flex flex-wrap gap-3">
                {open
                    .then(|| {
                        view! {
                            <ActionForm action=acts.apply>
                                <input type="hidden" name="provider" value=of.provider/>
                                <input type="hidden" name="slug" value=of.slug/>
                                <input type="hidden" name="version" value=version/>
                                <input type="hidden" name="dry_run" value=dry_run.digest/>
                                <Submit weight=Weight::Primary pending=acts.apply.pending()>
                                    {button}
                                </Submit>
                            </ActionForm>
                        }
                    })}
                <ActionForm action=acts.discard>
                    <input type="hidden" name="provider" value=discard_of.provider/>
                    <input type="hidden" name="slug" value=discard_of.slug/>
                    <input type="hidden" name="version" value=discarded/>
                    <Submit weight=Weight::Ending pending=acts.discard.pending()>
                        {strings::DISCARD}
                    </Submit>
                </ActionForm>
            </div>
        </Panel>
    }
}

/// The form of one row: a new one, or one that is changed.
#[component]
fn RowPanel(
    filled: Option<(usize, ShownRow)>,
    systems: Vec<String>,
    of: Of,
    acts: Acts,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let posted_at = typed::<SaveMappingRow>("at");
    let at = match &filled {
        Some((at, _)) => at.to_string(),
        None => posted_at,
    };
    let changes = !at.is_empty();
    let title = if changes { strings::CHANGE_ROW } else { strings::ADD_ROW };
    let row = filled.map(|(_, row)| row);
    let word = move |name: &str, of: fn(&ShownRow) -> String| {
        let posted = typed::<SaveMappingRow>(name);
        if posted.is_empty() { row.as_ref().map(of).unwrap_or_default() } else { posted }
    };
    let claim = Some(word("claim", |row| row.claim.clone())).filter(|claim| !claim.is_empty());
    let test = word("test", |row| row.test.clone());
    let role = Role::from_word(&word("role", |row| row.holding.role.word().to_owned())).unwrap_or(Role::Viewer);
    let tests = [("equals", strings::EQUALS), ("in_list", strings::IN_LIST), ("pattern", strings::PATTERN)]
        .into_iter()
        .map(|(word, text)| (word.to_owned(), text.to_owned(), test == word))
        .collect();
    let roles = Role::ALL
        .into_iter()
        .map(|one| (one.word().to_owned(), format!("{}: {}", one.name(), one.sentence()), one == role))
        .collect();
    let known = match systems.is_empty() {
        true => strings::NO_SYSTEMS.to_owned(),
        false => format!("Known: {}.", systems.join(", ")),
    };
    let value_error =
        Memo::new(move |_| problem.with(|problem| problem.as_ref().and_then(|problem| error_of(problem, "value"))));
    let value = NodeRef::<html::Textarea>::new();
    let cancel = format!("/admin/sso/{}", of.slug);

    view! {
        <Panel title=title>
            <ErrorSummary problem/>
            <ActionForm action=acts.save attr:class="grid max-w-3xl gap-4 sm:grid-cols-2">
                <input type="hidden" name="provider" value=of.provider/>
                <input type="hidden" name="slug" value=of.slug/>
                <input type="hidden" name="base" value=of.base/>
                <input type="hidden" name="at" value=at/>
                <Line
                    id="claim"
                    name="claim"
                    label=strings::CLAIM
                    hint=strings::CLAIM_HINT
                    kind=LineKind::Text
                    value=claim.unwrap_or_else(|| "groups".to_owned())
                    problem
                />
                <Choose id="test" name="test" label=strings::TEST options=tests/>
                <div class="grid content-start gap-1 sm:col-span-2">
                    <label for="value" class="text-body font-medium">
                        {strings::VALUE}
                    </label>
                    <p id="value-hint" class="text-compact text-muted">
                        {strings::VALUE_HINT}
                    </p>
                    <SafeTextArea
                        name="value"
                        value=word("value", |row| row.values.join("\n"))
                        rows=2
                        described_by="value-hint value-error"
                        invalid=Signal::derive(move || value_error.get().is_some())
                        node_ref=value
                    />
                    <p id="value-error" class="text-compact text-reject">
                        {move || value_error.get()}
                    </p>
                </div>
                <div class="sm:col-span-2">
                    <Choose id="role" name="role" label=strings::ROLE options=roles/>
                </div>
                <div class="grid content-start gap-1">
                    <Line
                        id="systems"
                        name="systems"
                        label=strings::SYSTEMS
                        hint=strings::SYSTEMS_HINT
                        kind=LineKind::Text
                        value=word("systems", |row| row.holding.systems.clone().unwrap_or_default().join(" "))
                        problem
                    />
                    <p class="text-compact text-muted [overflow-wrap:anywhere]">{known}</p>
                </div>
                <Line
                    id="until"
                    name="until"
                    label=strings::LAST_DAY
                    hint=strings::LAST_DAY_HINT
                    kind=LineKind::Day
                    value=word("until", |row| row.holding.until.map(last_day).unwrap_or_default())
                    problem
                />
                <div class="flex flex-wrap gap-3 sm:col-span-2">
                    <Submit weight=Weight::Primary pending=acts.save.pending()>
                        {strings::SAVE}
                    </Submit>
                    {changes
                        .then(|| {
                            view! {
                                <a href=cancel class=Weight::Plain.class()>
                                    {strings::CANCEL}
                                </a>
                            }
                        })}
                </div>
            </ActionForm>
        </Panel>
    }
}

/// The last day before an end, as a form writes it.
fn last_day(until: u64) -> String {
    countersign_domain::time::date(until.saturating_sub(1))
}

/// What the reader's own test sign-in would give.
#[component]
fn Tested(test: Option<MappingTest>, slug: String) -> impl IntoView {
    let address = format!("/test-sign-in/{slug}");
    let contents = match test {
        None => view! { <p class="max-w-measure text-muted">{strings::NO_TEST}</p> }.into_any(),
        Some(MappingTest { claims, holdings: gives, findings, .. }) => {
            let nothing = gives.is_empty();
            let claims = claims
                .into_iter()
                .map(|ClaimLine { claim, shown, masked }| {
                    let hidden = match (shown.is_empty(), masked) {
                        (true, 0) => "no value".to_owned(),
                        (false, 0) => String::new(),
                        (true, 1) => "hidden".to_owned(),
                        (true, count) => format!("{count} values, hidden"),
                        (false, count) => format!(" and {count} hidden"),
                    };
                    view! {
                        <tr class="border-t border-hairline align-top">
                            <th scope="row" class="py-1.5 pr-4 text-left font-mono text-compact font-normal">
                                {claim}
                            </th>
                            <td class="py-1.5 text-compact [overflow-wrap:anywhere]">
                                {shown.join(", ")} <span class="text-muted">{hidden}</span>
                            </td>
                        </tr>
                    }
                    .into_any()
                })
                .collect_view();
            let gives = gives.into_iter().map(|holding| view! { <li><Held holding/></li> }).collect_view();
            let findings =
                findings.into_iter().map(|finding| view! { <Banner bar=Bar::Stale>{finding}</Banner> }).collect_view();
            view! {
                {findings}
                <p>{if nothing { strings::TEST_NOTHING } else { strings::TEST_GIVES }}</p>
                <ul class="list-disc pl-5">{gives}</ul>
                <table class="w-full">
                    <caption class="sr-only">{strings::CLAIMS}</caption>
                    <tbody>{claims}</tbody>
                </table>
                <p class="text-compact text-muted">{strings::TEST_NOTE}</p>
            }
            .into_any()
        }
    };

    view! {
        <Panel title=strings::TEST_TITLE>
            {contents}
            <div>
                <a href=address rel="external" class=Weight::Plain.class()>
                    {strings::TEST_BUTTON}
                </a>
            </div>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Roles from a provider";
    pub(super) const INTRO: &str = "Groups at the provider give roles here, evaluated at every sign-in. Rows only add; a group that no row names gives nothing.";
    pub(super) const BACK: &str = "All providers";
    pub(super) const PEOPLE: &str = "Who signs in";
    pub(super) const OVERAGE: &str = "more groups than fit in a token, so no role follows from them. Let the provider send only the groups of this application, or push groups by SCIM.";
    pub(super) const JUST_IN_TIME_ON: &str = "Whoever the provider lets in becomes a member at the first sign-in, with the roles of these rows and no others.";
    pub(super) const JUST_IN_TIME_OFF: &str =
        "Only members sign in: people whom an admin invited or a directory pushed.";
    pub(super) const JUST_IN_TIME_BEGIN: &str = "Let new people in";
    pub(super) const JUST_IN_TIME_END: &str = "Let members in only";
    pub(super) const ROWS: &str = "Rows";
    pub(super) const NO_ROWS: &str = "No rows yet";
    pub(super) const NO_ROWS_REASON: &str =
        "Nobody gets a role from this provider. Add a row below: a group, and the role that it gives.";
    pub(super) const DRAFT: &str = "Draft by";
    pub(super) const DRAFT_NOTE: &str = "It gives nobody anything until it is applied.";
    pub(super) const IN_FORCE: &str = "In force since";
    pub(super) const FITS: &str = "Fits";
    pub(super) const FITS_NOT: &str = "Does not fit";
    pub(super) const YOUR_TEST: &str = "Your test sign-in:";
    pub(super) const CHANGE: &str = "Change";
    pub(super) const EFFECT: &str = "What the draft would change";
    pub(super) const NOT_SEEN_ONE: &str = "has not signed in yet and is evaluated at the first sign-in.";
    pub(super) const NOT_SEEN: &str = "have not signed in yet and are evaluated at their first sign-in.";
    pub(super) const WAITS: &str = "It gives a role that one person does not give alone: an admin, senior approver or compliance officer who gains nothing by it has to confirm it.";
    pub(super) const AT_ONCE: &str = "It takes effect at once. Who loses a role is signed out.";
    pub(super) const WAITING: &str = "This draft waits for a second person.";
    pub(super) const CHANGES: &str = "Changes that wait";
    pub(super) const ASK: &str = "Ask for it";
    pub(super) const APPLY: &str = "Apply the draft";
    pub(super) const DISCARD: &str = "Discard the draft";
    pub(super) const ADD_ROW: &str = "Add a row";
    pub(super) const CHANGE_ROW: &str = "Change a row";
    pub(super) const CLAIM: &str = "Claim";
    pub(super) const CLAIM_HINT: &str = "A name such as groups, a path such as /realm_access/roles, or /scim/groups for groups that a directory pushes.";
    pub(super) const TEST: &str = "Compared";
    pub(super) const EQUALS: &str = "is exactly";
    pub(super) const IN_LIST: &str = "is one of";
    pub(super) const PATTERN: &str = "is like";
    pub(super) const VALUE: &str = "Value";
    pub(super) const VALUE_HINT: &str =
        "With its capitals. One per line for a list; * stands for any text in a pattern.";
    pub(super) const ROLE: &str = "Role";
    pub(super) const SYSTEMS: &str = "AI systems";
    pub(super) const SYSTEMS_HINT: &str = "Names with spaces between. Empty: all of them.";
    pub(super) const NO_SYSTEMS: &str = "None is registered yet.";
    pub(super) const LAST_DAY: &str = "Last day";
    pub(super) const LAST_DAY_HINT: &str = "In UTC, included. Empty: no end.";
    pub(super) const SAVE: &str = "Save to the draft";
    pub(super) const CANCEL: &str = "Cancel";
    pub(super) const TEST_TITLE: &str = "Test sign-in";
    pub(super) const TEST_BUTTON: &str = "Run a test sign-in";
    pub(super) const NO_TEST: &str =
        "Sign in at the provider as yourself to see what it says and which rows would fit. It changes nothing.";
    pub(super) const TEST_GIVES: &str = "With the rows above you would get:";
    pub(super) const TEST_NOTHING: &str = "With the rows above you would get nothing.";
    pub(super) const TEST_NOTE: &str = "What no row matched is hidden. Kept for ten minutes, for you only.";
    pub(super) const CLAIMS: &str = "Claims";
}

#[cfg(test)]
mod tests {
    use countersign_domain::view::ShownHolding;

    use super::*;

    fn row(test: &str, values: &[&str]) -> ShownRow {
        let holding = ShownHolding {
            role: Role::Viewer,
            systems: None,
            types: Vec::new(),
            risk: None,
            amount: None,
            until: None,
        };
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        ShownRow { claim: "groups".into(), test: test.into(), values, holding }
    }

    #[test]
    fn a_condition_reads_as_a_sentence() {
        assert_eq!(condition(&row("equals", &["a"])), "groups is a");
        assert_eq!(condition(&row("in_list", &["a", "b"])), "groups is one of a, b");
        assert_eq!(condition(&row("pattern", &["pay-*"])), "groups is like pay-*");
        let pushed = ShownRow { claim: SCIM_GROUPS.into(), ..row("equals", &["a"]) };
        assert_eq!(condition(&pushed), "a pushed group is a");
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_posted_name_cannot_lead_to_another_page() {
        assert_eq!(page_of("company"), "/admin/sso/company");
        assert_eq!(page_of("../..//evil?x"), "/admin/sso/evilx");
    }
}
