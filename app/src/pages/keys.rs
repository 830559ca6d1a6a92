//! `/admin/keys`: keys of AI systems and tokens of auditors. None of them can review.

use countersign_domain::{
    administration::{KeyDetail, KeysView},
    ids::{AgentKeyId, SystemId},
    view::NewKey,
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        admin::{AdminNav, Choose, Line, LineKind, numbers},
        form::{ErrorSummary, Submit, Weight},
        icons::{Icon, Shape},
        marks::{Chip, Tone},
        page::{Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::CopyId,
        time::{Moment, Since},
    },
    wire::Json,
};

/// How many days a key may live; the first is the default.
const DAYS: [u64; 4] = [90, 30, 180, 365];
/// How many hours the former secret works after a rotation; the first is the default.
const HOURS: [u64; 3] = [24, 1, 168];

/// Reads the list of keys.
#[server(prefix = "/act", endpoint = "keys", output = Json)]
pub(crate) async fn keys() -> Result<KeysView, Error> {
    use countersign_engine::keys;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, keys::list(&engine, &caller).await)
}

/// Makes a key for a system.
#[server(prefix = "/act", endpoint = "new-key", output = Json)]
pub(crate) async fn make_key(
    system: SystemId,
    #[server(default)] scopes: String,
    #[server(default)] days: String,
    #[server(default)] networks: String,
) -> Result<Answer, Error> {
    use countersign_engine::keys::{self, KeySettings};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let made = act(async move {
        let settings = KeySettings::parse(&scopes, &days, &networks)?;
        keys::issue(&engine, &caller, system, settings).await
    });

    Ok(told(made.await.map(|key| Answer::once(&key))))
}

/// Gives a key another secret.
#[server(prefix = "/act", endpoint = "rotate-key", output = Json)]
pub(crate) async fn rotate_key(key: AgentKeyId, hours: u64) -> Result<Answer, Error> {
    use countersign_engine::keys;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let made = act(async move { keys::rotate(&engine, &caller, key, hours).await }).await;

    Ok(told(made.map(|key| Answer::once(&key))))
}

/// Ends the former secret of a key at once.
#[server(prefix = "/act", endpoint = "end-former-secret", output = Json)]
pub(crate) async fn end_former_secret(key: AgentKeyId) -> Result<Answer, Error> {
    use countersign_engine::keys;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { keys::end_former(&engine, &caller, key).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/keys"))))
}

/// Ends a key at once.
#[server(prefix = "/act", endpoint = "end-key", output = Json)]
pub(crate) async fn end_key(key: AgentKeyId) -> Result<Answer, Error> {
    use countersign_engine::systems;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { systems::revoke_key(&engine, &caller, key).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/keys"))))
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    issue: ServerAction<MakeKey>,
    rotate: ServerAction<RotateKey>,
    end_former: ServerAction<EndFormerSecret>,
    end: ServerAction<EndKey>,
}

/// The keys page.
#[component]
pub(crate) fn KeysPage() -> impl IntoView {
    let acts = Acts {
        issue: ServerAction::new(),
        rotate: ServerAction::new(),
        end_former: ServerAction::new(),
        end: ServerAction::new(),
    };
    let versions = move || {
        (
            acts.issue.version().get(),
            acts.rotate.version().get(),
            acts.end_former.version().get(),
            acts.end.version().get(),
        )
    };
    let view = Resource::new(versions, |_| keys());
    let issued = answer_of(acts.issue);
    let others = [answer_of(acts.rotate), answer_of(acts.end_former), answer_of(acts.end)];
    let rotated = others[0];
    let problem = Signal::derive(move || others.iter().filter_map(|answer| answer.get()).find_map(Answer::problem));
    let refused = Signal::derive(move || issued.get().and_then(Answer::problem));
    let key = Signal::derive(move || {
        [issued.get(), rotated.get()].into_iter().flatten().find_map(|answer| answer.shown::<NewKey>())
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(KeysView { keys, systems, now }) => {
                        let none = keys.is_empty();
                        let keys = keys.into_iter().map(|key| view! { <Key key now acts/> }.into_any()).collect_view();
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <AdminNav/>
                            <div class="grid max-w-5xl gap-6">
                                <SecretPanel key/>
                                <ErrorSummary problem/>
                                {none.then(|| view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> })}
                                <ul class="grid gap-4">{keys}</ul>
                                <IssueForm issue=acts.issue systems problem=refused/>
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

/// A key or token, shown this once: only its hash is stored.
#[component]
pub(crate) fn SecretPanel(key: Signal<Option<NewKey>>) -> impl IntoView {
    move || {
        key.get().map(|key| {
            view! {
                <div role="status" class="grid gap-2 rounded-dialog border-2 border-approve bg-surface px-5 py-4">
                    <h2 class="flex items-center gap-2 text-reading font-semibold">
                        <Icon shape=Shape::Check class="size-5 text-approve"/>
                        {format!("Key for {}", key.system)}
                    </h2>
                    <CopyId id=key.key label="key"/>
                    <p class="text-compact text-muted">
                        {strings::KEY_TEXT} " " <Moment at=key.expires_at/> "."
                    </p>
                </div>
            }
        })
    }
}

#[component]
fn Key(key: KeyDetail, now: u64, acts: Acts) -> impl IntoView {
    let live = key.revoked_at.is_none() && key.expires_at > now;
    let (tone, state) = match (key.revoked_at.is_some(), live) {
        (true, _) => (Tone::Reject, "Revoked"),
        (false, true) => (Tone::Approve, "Live"),
        (false, false) => (Tone::Plain, "Expired"),
    };
    let scopes = key.scopes.iter().map(|scope| scope_words(scope)).collect::<Vec<_>>().join(", ");
    let networks = match key.networks.is_empty() {
        true => strings::EVERYWHERE.to_owned(),
        false => key.networks.join(", "),
    };
    let id = key.id;
    let label = format!("Key {}", key.key_id);
    let hours_id = format!("hours-{}", key.key_id);
    let rotates = live && !key.token;
    let two = key.former_until.is_some();

    view! {
        <li class="rounded-dialog border border-hairline bg-surface">
            <section aria-label=label class="grid gap-3 px-5 py-4">
                <h2 class="flex flex-wrap items-center gap-x-3 gap-y-1 text-reading font-semibold">
                    <code class="font-mono">{key.key_id.clone()}</code>
                    <Chip tone text=state/>
                    {key.token.then(|| view! { <Chip tone=Tone::Info text="Auditor token"/> })}
                </h2>
                <dl class="grid gap-1">
                    <Fact name=strings::OWNER>{key.owner}</Fact>
                    <Fact name=strings::MAY>{scopes}</Fact>
                    <Fact name=strings::FROM>
                        <span class="[overflow-wrap:anywhere]">{networks}</span>
                    </Fact>
                    <Fact name=strings::ENDS>
                        {match key.revoked_at {
                            Some(at) => view! { "Revoked " <Moment at/> }.into_any(),
                            None => view! { <Moment at=key.expires_at/> }.into_any(),
                        }}
                    </Fact>
                    <Fact name=strings::USED>
                        {match key.last_used_at {
                            Some(at) => view! { <Since at now/> }.into_any(),
                            None => "Never".into_any(),
                        }}
                    </Fact>
                    {key
                        .former_until
                        .map(|until| {
                            view! {
                                <Fact name=strings::FORMER>
                                    {strings::TWO} " " <Moment at=until/> "."
                                </Fact>
                            }
                        })}
                </dl>
                {live
                    .then(|| {
                        view! {
                            <div class="flex flex-wrap items-end gap-x-4 gap-y-3">
                                {(rotates && !two)
                                    .then(|| {
                                        view! {
                                            <ActionForm action=acts.rotate attr:class="flex flex-wrap items-end gap-3">
                                                <input type="hidden" name="key" value=id.to_string()/>
                                                <Choose
                                                    id=hours_id
                                                    name="hours"
                                                    label=strings::FORMER_WORKS
                                                    options=numbers(&HOURS, hours_words)
                                                />
                                                <Submit weight=Weight::Plain pending=acts.rotate.pending()>
                                                    {strings::ROTATE}
                                                </Submit>
                                            </ActionForm>
                                        }
                                    })}
                                {two
                                    .then(|| {
                                        view! {
                                            <ActionForm action=acts.end_former>
                                                <input type="hidden" name="key" value=id.to_string()/>
                                                <Submit weight=Weight::Ending pending=acts.end_former.pending()>
                                                    {strings::END_FORMER}
                                                </Submit>
                                            </ActionForm>
                                        }
                                    })} <ActionForm action=acts.end>
                                    <input type="hidden" name="key" value=id.to_string()/>
                                    <Submit weight=Weight::Ending pending=acts.end.pending()>
                                        {strings::REVOKE}
                                    </Submit>
                                </ActionForm>
                            </div>
                        }
                    })}
            </section>
        </li>
    }
}

#[component]
fn IssueForm(
    issue: ServerAction<MakeKey>,
    systems: Vec<(SystemId, String)>,
    problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    if systems.is_empty() {
        return view! {
            <Panel title=strings::ISSUE>
                <p class="text-muted">
                    {strings::NO_SYSTEM} " " <a href="/admin/systems" class="text-accent underline">"AI systems"</a> "."
                </p>
            </Panel>
        }
        .into_any();
    }
    let chosen = typed::<MakeKey>("system");
    let systems = systems
        .into_iter()
        .map(|(id, name)| {
            let id = id.to_string();
            let is = id == chosen;
            (id, name, is)
        })
        .collect();
    let scopes = [("both", "Propose and read"), ("ingest", "Propose only"), ("read", "Read only")]
        .into_iter()
        .map(|(word, text)| (word.to_owned(), text.to_owned(), word == "both"))
        .collect();

    view! {
        <Panel title=strings::ISSUE>
            <ActionForm action=issue attr:class="grid max-w-3xl gap-4 sm:grid-cols-3">
                <div class="sm:col-span-3">
                    <ErrorSummary problem/>
                </div>
                <Choose id="system" name="system" label=strings::SYSTEM options=systems/>
                <Choose id="scopes" name="scopes" label=strings::SCOPES options=scopes/>
                <Choose id="days" name="days" label=strings::LIVES options=numbers(&DAYS, |days| format!("{days} days"))/>
                <div class="sm:col-span-3">
                    <Line
                        id="networks"
                        name="networks"
                        label=strings::NETWORKS
                        hint=strings::NETWORKS_HINT
                        kind=LineKind::Text
                        value={typed::<MakeKey>("networks")}
                        problem
                    />
                </div>
                <div>
                    <Submit weight=Weight::Primary pending=issue.pending()>
                        {strings::ISSUE}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
    .into_any()
}

fn scope_words(scope: &str) -> &str {
    match scope {
        "ingest" => "propose and report",
        "read" => "read its own decisions",
        "export" => "fetch files of the log",
        other => other,
    }
}

fn hours_words(hours: u64) -> String {
    match hours {
        1 => "1 hour".to_owned(),
        24 => "1 day".to_owned(),
        hours if hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    }
}

mod strings {
    pub(super) const TITLE: &str = "Keys";
    pub(super) const INTRO: &str = "What AI systems and auditors' programs sign in with. Agents' keys propose and read their own decisions, auditors' tokens fetch files of the log; no key can review. A revoked key stops working at once.";
    pub(super) const NONE: &str = "No keys yet";
    pub(super) const NONE_REASON: &str = "Issue one below and hand it to whoever runs the agent.";
    pub(super) const KEY_TEXT: &str = "Store it where the program reads its secrets. It is shown this once and ends";
    pub(super) const OWNER: &str = "For";
    pub(super) const MAY: &str = "May";
    pub(super) const FROM: &str = "Works from";
    pub(super) const EVERYWHERE: &str = "every network";
    pub(super) const ENDS: &str = "Ends";
    pub(super) const USED: &str = "Last used";
    pub(super) const FORMER: &str = "Secrets";
    pub(super) const TWO: &str = "Two work: the new one, and the former one until";
    pub(super) const FORMER_WORKS: &str = "Former secret works";
    pub(super) const ROTATE: &str = "New secret";
    pub(super) const END_FORMER: &str = "End the former secret";
    pub(super) const REVOKE: &str = "Revoke";
    pub(super) const ISSUE: &str = "Issue a key";
    pub(super) const NO_SYSTEM: &str = "A key belongs to an AI system. Register one first under";
    pub(super) const SYSTEM: &str = "AI system";
    pub(super) const SCOPES: &str = "May";
    pub(super) const LIVES: &str = "Lives";
    pub(super) const NETWORKS: &str = "Networks it works from";
    pub(super) const NETWORKS_HINT: &str =
        "Such as 10.0.0.0/8 2001:db8::/32, separated by spaces. Empty: every network.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_said_as_people_say_them() {
        assert_eq!([1, 24, 168, 5].map(hours_words), ["1 hour", "1 day", "7 days", "5 hours"]);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn the_page_offers_what_the_engine_takes() {
        assert_eq!((DAYS, HOURS), (countersign_engine::keys::DAYS, countersign_engine::keys::HOURS));
    }
}
