//! Directories on `/admin/sso`: what each pushed, its tokens, and how to set one up.

#![expect(clippy::too_many_arguments, reason = "a form has one box for each role")]

use countersign_domain::{
    directory::{DirectoriesView, DirectoryRow, NewScimToken, ScimTokenRow},
    ids::{ProviderId, ScimTokenId},
    role::Role,
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        admin::{Choose, numbers},
        form::{ErrorSummary, Submit, Weight},
        icons::{Icon, Shape},
        marks::{Chip, Tone},
        page::{Banner, Bar, Empty, Fact, Panel, Refusal},
        text::CopyId,
        time::{Moment, Since},
    },
    wire::Json,
};

/// How many days a token may live; the first is the default.
const DAYS: [u64; 4] = [365, 90, 180, 730];

/// Reads the directories.
#[server(prefix = "/act", endpoint = "directories", output = Json)]
pub(crate) async fn directories() -> Result<DirectoriesView, Error> {
    use countersign_engine::scim::tokens;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, tokens::list(&engine, &caller).await)
}

/// Makes a token for the directory of a provider.
#[server(prefix = "/act", endpoint = "issue-scim-token", output = Json)]
pub(crate) async fn issue_scim_token(
    provider: ProviderId,
    #[server(default)] days: String,
    #[server(default)] viewer: bool,
    #[server(default)] approver: bool,
    #[server(default)] senior_approver: bool,
    #[server(default)] policy_author: bool,
    #[server(default)] admin: bool,
    #[server(default)] compliance_officer: bool,
    #[server(default)] auditor: bool,
) -> Result<Answer, Error> {
    use countersign_engine::scim::tokens::{self, TokenSettings};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let ticked = [viewer, approver, senior_approver, policy_author, admin, compliance_officer, auditor];
    let ceiling: Vec<_> = Role::ALL.iter().zip(ticked).filter(|(_, on)| *on).map(|(role, _)| role.word()).collect();
    let ceiling = ceiling.join(" ");
    let made = act(async move {
        let settings = TokenSettings::parse(provider, &ceiling, &days)?;
        tokens::issue(&engine, &caller, settings).await
    });

    Ok(told(made.await.map(|token| Answer::once(&token))))
}

/// Ends a token at once.
#[server(prefix = "/act", endpoint = "revoke-scim-token", output = Json)]
pub(crate) async fn revoke_scim_token(token: ScimTokenId) -> Result<Answer, Error> {
    use countersign_engine::scim::tokens;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { tokens::revoke(&engine, &caller, token).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/sso"))))
}

/// The section of directories.
#[component]
pub(crate) fn Directories() -> impl IntoView {
    let issue: ServerAction<IssueScimToken> = ServerAction::new();
    let revoke: ServerAction<RevokeScimToken> = ServerAction::new();
    let view = Resource::new(move || (issue.version().get(), revoke.version().get()), |_| directories());
    let (issued, revoked) = (answer_of(issue), answer_of(revoke));
    let problem = Signal::derive(move || [issued.get(), revoked.get()].into_iter().flatten().find_map(Answer::problem));
    let token = Signal::derive(move || issued.get().and_then(|answer| answer.shown::<NewScimToken>()));

    view! {
        <Transition fallback=|| ()>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(DirectoriesView { base, directories, now }) => {
                        let connected = !directories.is_empty();
                        let providers = directories.iter().map(|row| (row.provider, row.name.clone())).collect();
                        let fresh = directories.iter().all(|row| row.tokens.is_empty());
                        let rows = directories
                            .into_iter()
                            .map(|row| view! { <Directory row now revoke/> }.into_any())
                            .collect_view();
                        view! {
                            <Panel title=strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                                <ErrorSummary problem/>
                                <TokenPanel token/>
                                {match connected {
                                    false => view! { <p class="text-muted">{strings::NO_PROVIDER}</p> }.into_any(),
                                    true => view! {
                                        <dl class="grid gap-2">
                                            <Fact name=strings::BASE>
                                                <CopyId id=base label="SCIM address"/>
                                            </Fact>
                                        </dl>
                                        {fresh.then(|| view! { <Steps/> })}
                                        {rows}
                                        <IssueForm issue providers/>
                                    }
                                    .into_any(),
                                }}
                            </Panel>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// What to do where people and groups are kept.
#[component]
fn Steps() -> impl IntoView {
    view! {
        <Empty title=strings::NONE reason=strings::NONE_REASON/>
        <dl class="grid max-w-measure gap-3">
            {strings::STEPS
                .into_iter()
                .map(|(name, steps)| {
                    view! {
                        <div>
                            <dt class="font-medium">{name}</dt>
                            <dd class="text-muted">{steps}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
    }
}

/// A token, shown this once: only its hash is stored.
#[component]
fn TokenPanel(token: Signal<Option<NewScimToken>>) -> impl IntoView {
    move || {
        token.get().map(|token| {
            view! {
                <div role="status" class="grid gap-2 rounded-dialog border-2 border-approve bg-surface px-5 py-4">
                    <h3 class="flex items-center gap-2 text-reading font-semibold">
                        <Icon shape=Shape::Check class="size-5 text-approve"/>
                        {format!("Token for the directory of {}", token.provider)}
                    </h3>
                    <CopyId id=token.token label="token"/>
                    <p class="text-compact text-muted">
                        {strings::TOKEN_TEXT} " " <Moment at=token.expires_at/> "."
                    </p>
                    {token
                        .waits
                        .then(|| {
                            view! {
                                <Banner bar=Bar::Stale>
                                    <p>
                                        {strings::WAITS} " "
                                        <a href="/admin/changes" class="text-accent underline">"Changes that wait"</a>
                                        "."
                                    </p>
                                </Banner>
                            }
                        })}
                </div>
            }
        })
    }
}

#[component]
fn Directory(row: DirectoryRow, now: u64, revoke: ServerAction<RevokeScimToken>) -> impl IntoView {
    let label = format!("Directory of {}", row.name);
    let heading = label.clone();
    let users = users_words(row.active_count, row.inactive_count);
    let groups = format!("{}, {}", counted(row.group_count, "group"), counted(row.member_count, "membership"));
    let tokens = row.tokens.into_iter().map(|token| view! { <Token token now revoke/> }.into_any()).collect_view();

    view! {
        <section aria-label=label class="grid gap-3 border-t border-hairline pt-4">
            <h3 class="font-semibold">{heading}</h3>
            <dl class="grid gap-1">
                <Fact name=strings::USERS>{users}</Fact>
                <Fact name=strings::GROUPS>{groups}</Fact>
            </dl>
            {(row.due_count > 0)
                .then(|| {
                    view! {
                        <Banner bar=Bar::Note>
                            <p>{format!("{}: {}", counted_people(row.due_count), strings::DUE)}</p>
                        </Banner>
                    }
                })}
            {(row.unnamed_count > 0)
                .then(|| {
                    view! {
                        <Banner bar=Bar::Stale>
                            <p>{format!("{} without externalId. {}", counted(row.unnamed_count, "user"), strings::UNNAMED)}</p>
                        </Banner>
                    }
                })}
            {(row.above_count > 0)
                .then(|| {
                    view! {
                        <Banner bar=Bar::Stale>
                            <p>{format!("{} in a group above its ceiling. {}", people_words(row.above_count), strings::ABOVE)}</p>
                        </Banner>
                    }
                })}
            <ul class="grid gap-3">{tokens}</ul>
        </section>
    }
}

#[component]
fn Token(token: ScimTokenRow, now: u64, revoke: ServerAction<RevokeScimToken>) -> impl IntoView {
    let live = token.revoked_at.is_none() && token.expires_at > now;
    let (tone, state) = match (token.revoked_at.is_some(), live) {
        (true, _) => (Tone::Reject, "Revoked"),
        (false, true) => (Tone::Approve, "Live"),
        (false, false) => (Tone::Plain, "Expired"),
    };
    let ceiling = ceiling_words(&token.ceiling);
    let label = format!("Token {}", token.key_id);
    let id = token.id;

    view! {
        <li>
            <section aria-label=label class="grid gap-2 rounded-control border border-hairline px-4 py-3">
                <h4 class="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <code class="font-mono">{token.key_id}</code>
                    <Chip tone text=state/>
                </h4>
                <dl class="grid gap-1">
                    <Fact name=strings::CEILING>{ceiling}</Fact>
                    <Fact name=strings::ENDS>
                        {match token.revoked_at {
                            Some(at) => view! { "Revoked " <Moment at/> }.into_any(),
                            None => view! { <Moment at=token.expires_at/> }.into_any(),
                        }}
                    </Fact>
                    <Fact name=strings::USED>
                        {match token.last_used_at {
                            Some(at) => view! { <Since at now/> }.into_any(),
                            None => "Never".into_any(),
                        }}
                    </Fact>
                </dl>
                {live
                    .then(|| {
                        view! {
                            <ActionForm action=revoke>
                                <input type="hidden" name="token" value=id.to_string()/>
                                <Submit weight=Weight::Ending pending=revoke.pending()>
                                    {strings::REVOKE}
                                </Submit>
                            </ActionForm>
                        }
                    })}
            </section>
        </li>
    }
}

#[component]
fn IssueForm(issue: ServerAction<IssueScimToken>, providers: Vec<(ProviderId, String)>) -> impl IntoView {
    let chosen = typed::<IssueScimToken>("provider");
    let providers = providers
        .into_iter()
        .map(|(id, name)| {
            let id = id.to_string();
            let is = id == chosen;
            (id, name, is)
        })
        .collect();
    let boxes = Role::ALL
        .into_iter()
        .map(|role| {
            let id = format!("ceiling-{}", role.word());
            let ticked = typed::<IssueScimToken>(role.word()) == "true";
            let privileged = role.needs_second_person().then_some(strings::SECOND_PERSON);
            view! {
                <div class="flex items-center gap-2">
                    <input id=id.clone() type="checkbox" name=role.word() value="true" checked=ticked class="size-5"/>
                    <label for=id>{role.name()} " " {privileged}</label>
                </div>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <ActionForm action=issue attr:class="grid max-w-3xl gap-4 border-t border-hairline pt-4 sm:grid-cols-2">
            <h3 class="font-semibold sm:col-span-2">{strings::ISSUE}</h3>
            <Choose id="scim-provider" name="provider" label=strings::PROVIDER options=providers/>
            <Choose id="scim-days" name="days" label=strings::LIVES options=numbers(&DAYS, |days| format!("{days} days"))/>
            <fieldset class="grid gap-2 sm:col-span-2">
                <legend class="mb-1 font-medium">{strings::CEILING_LEGEND}</legend>
                <p class="text-compact text-muted">{strings::CEILING_HINT}</p>
                {boxes}
            </fieldset>
            <div>
                <Submit weight=Weight::Primary pending=issue.pending()>
                    {strings::ISSUE}
                </Submit>
            </div>
        </ActionForm>
    }
}

fn users_words(active: u64, inactive: u64) -> String {
    match inactive {
        0 => format!("{active} active"),
        inactive => format!("{active} active, {inactive} deactivated"),
    }
}

fn counted_people(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

fn people_words(count: u64) -> String {
    match count {
        1 => "1 person is".to_owned(),
        count => format!("{count} people are"),
    }
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn ceiling_words(ceiling: &[Role]) -> String {
    match ceiling.is_empty() {
        true => "no role".to_owned(),
        false => ceiling.iter().map(|role| role.name()).collect::<Vec<_>>().join(", "),
    }
}

mod strings {
    pub(super) const TITLE: &str = "Directories";
    pub(super) const INTRO: &str = "A directory pushes people and groups by SCIM 2.0, so that whoever leaves the company is signed out here within a second. Users join people by externalId, which must be what the claim says by which people are known above (sub, or oid with Entra ID), never by mail.";
    pub(super) const NO_PROVIDER: &str = "A directory belongs to an identity provider. Connect one first.";
    pub(super) const BASE: &str = "SCIM address";
    pub(super) const NONE: &str = "No directory yet";
    pub(super) const NONE_REASON: &str =
        "Issue a token below, then enter it with the address where people and groups are kept.";
    pub(super) const STEPS: [(&str, &str); 3] = [
        (
            "Okta",
            "Add SCIM provisioning to the application with HTTP header authorization, unique field userName, and push new users, profile updates and groups. Okta sends its user id as externalId, which is the sub of its own authorization server.",
        ),
        (
            "Microsoft Entra ID",
            "In the enterprise application choose automatic provisioning with the address as tenant URL and the token as secret token, and map objectId to externalId. Entra shows every application another sub, so people must be known by oid: choose it above before anybody signs in, with the tenant's own issuer.",
        ),
        (
            "Others",
            "Use SCIM 2.0 with a bearer token. Map externalId to what the ID token holds in the claim by which people are known above, and push groups after their users.",
        ),
    ];
    pub(super) const TOKEN_TEXT: &str = "Enter it in the directory. It is shown this once and ends";
    pub(super) const WAITS: &str =
        "It opens nothing yet: its ceiling holds a privileged role, so somebody else has to confirm it under";
    pub(super) const USERS: &str = "Users";
    pub(super) const GROUPS: &str = "Groups";
    pub(super) const UNNAMED: &str = "Such a user is nobody here until the directory sends as externalId what the claim says by which people are known.";
    pub(super) const DUE: &str = "what follows for them from a large push is being worked out, for those who may lose something first. Load the page again to see how far it is.";
    pub(super) const ABOVE: &str = "The membership gives nothing. Issue a token with a higher ceiling and push the group anew, or change the mapping.";
    pub(super) const CEILING: &str = "Gives at most";
    pub(super) const ENDS: &str = "Ends";
    pub(super) const USED: &str = "Last used";
    pub(super) const REVOKE: &str = "Revoke";
    pub(super) const ISSUE: &str = "Issue a directory token";
    pub(super) const PROVIDER: &str = "Identity provider";
    pub(super) const LIVES: &str = "Lives";
    pub(super) const CEILING_LEGEND: &str = "Roles that its groups may give";
    pub(super) const CEILING_HINT: &str =
        "Which group gives which role is said by the mapping of the provider; nothing above this ceiling is given.";
    pub(super) const SECOND_PERSON: &str = "(a second person confirms)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_ceilings_are_said_as_people_say_them() {
        assert_eq!((users_words(3, 0).as_str(), users_words(3, 1).as_str()), ("3 active", "3 active, 1 deactivated"));
        assert_eq!((counted(1, "group").as_str(), counted(2, "group").as_str()), ("1 group", "2 groups"));
        assert_eq!((people_words(1).as_str(), people_words(3).as_str()), ("1 person is", "3 people are"));
        assert_eq!(ceiling_words(&[]), "no role");
        assert_eq!(ceiling_words(&[Role::Viewer, Role::Approver]), "Viewer, Approver");
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn the_page_offers_what_the_engine_takes() {
        assert_eq!(DAYS, countersign_engine::scim::tokens::DAYS);
    }
}
