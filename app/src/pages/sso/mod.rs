//! `/admin/sso`: identity providers, in three steps: register there, connect here, test and open.

#![expect(clippy::too_many_arguments, reason = "a form sends each of its fields")]

use countersign_domain::{
    ids::ProviderId,
    provider::{ClientAuth, ProviderLink, ProviderRow, ProviderTest, ProvidersView, ShownClaim},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

mod forms;

use forms::{Connect, Edit};

use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        form::{ErrorSummary, Submit, Weight},
        marks::{Chip, Tone},
        page::{Banner, Bar, Empty, Fact, PageHeader, PageTitle, Refusal, Skeleton, TitleText},
        text::CopyId,
        time::Moment,
    },
    wire::Json,
};

/// Reads the providers.
#[server(prefix = "/act", endpoint = "providers", output = Json)]
pub(crate) async fn identity_providers() -> Result<ProvidersView, Error> {
    use countersign_engine::providers;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, providers::list(&engine, &caller).await)
}

/// Lists the ways to sign in beside local accounts.
#[server(prefix = "/act", endpoint = "ways-in", output = Json)]
pub(crate) async fn ways_in() -> Result<Vec<ProviderLink>, Error> {
    use countersign_engine::providers;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, providers::links(&engine).await)
}

/// Connects a provider.
#[server(prefix = "/act", endpoint = "add-provider", output = Json)]
pub(crate) async fn add_provider(
    slug: String,
    name: String,
    issuer: String,
    client_id: String,
    #[server(default)] secret: String,
    scopes: String,
    algorithms: String,
    #[server(default)] subject_claim: String,
    #[server(default)] client_auth: ClientAuth,
) -> Result<Answer, Error> {
    use countersign_domain::provider::ProviderSettings;
    use countersign_engine::providers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let algorithms = algorithms.split_whitespace().map(str::to_owned).collect();
    let settings = ProviderSettings {
        slug,
        name,
        issuer,
        client_id,
        scopes,
        algorithms,
        logout_typ_required: true,
        subject_claim,
        client_auth,
        new_key: false,
    };
    let done = act(async move { providers::add(&engine, &caller, settings, &secret).await }).await;

    Ok(told(done.map(|_| Answer::done("/admin/sso"))))
}

/// Changes what is known of a provider.
#[server(prefix = "/act", endpoint = "change-provider", output = Json)]
pub(crate) async fn change_provider(
    provider: ProviderId,
    name: String,
    client_id: String,
    #[server(default)] secret: String,
    scopes: String,
    algorithms: String,
    logout_typ: String,
    #[server(default)] subject_claim: String,
    #[server(default)] client_auth: ClientAuth,
    #[server(default)] new_key: bool,
) -> Result<Answer, Error> {
    use countersign_domain::provider::ProviderSettings;
    use countersign_engine::providers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let algorithms = algorithms.split_whitespace().map(str::to_owned).collect();
    let settings = ProviderSettings {
        name,
        client_id,
        scopes,
        algorithms,
        logout_typ_required: logout_typ != "optional",
        subject_claim,
        client_auth,
        new_key,
        ..ProviderSettings::default()
    };
    let done = act(async move { providers::change(&engine, &caller, provider, settings, &secret).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/sso"))))
}

/// Lets people sign in through a provider.
#[server(prefix = "/act", endpoint = "enable-provider", output = Json)]
pub(crate) async fn enable_provider(provider: ProviderId) -> Result<Answer, Error> {
    use countersign_engine::providers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { providers::enable(&engine, &caller, provider).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/sso"))))
}

/// Closes the way through a provider.
#[server(prefix = "/act", endpoint = "disable-provider", output = Json)]
pub(crate) async fn disable_provider(provider: ProviderId) -> Result<Answer, Error> {
    use countersign_engine::providers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { providers::disable(&engine, &caller, provider).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/sso"))))
}

/// Takes a provider away.
#[server(prefix = "/act", endpoint = "remove-provider", output = Json)]
pub(crate) async fn remove_provider(provider: ProviderId) -> Result<Answer, Error> {
    use countersign_engine::providers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { providers::remove(&engine, &caller, provider).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/sso"))))
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    add: ServerAction<AddProvider>,
    change: ServerAction<ChangeProvider>,
    enable: ServerAction<EnableProvider>,
    disable: ServerAction<DisableProvider>,
    remove: ServerAction<RemoveProvider>,
}

/// The page of identity providers.
#[component]
pub(crate) fn SsoPage() -> impl IntoView {
    let acts = Acts {
        add: ServerAction::new(),
        change: ServerAction::new(),
        enable: ServerAction::new(),
        disable: ServerAction::new(),
        remove: ServerAction::new(),
    };
    let versions = move || {
        (
            acts.add.version().get(),
            acts.change.version().get(),
            acts.enable.version().get(),
            acts.disable.version().get(),
            acts.remove.version().get(),
        )
    };
    let view = Resource::new(versions, |_| identity_providers());
    let answers = [
        answer_of(acts.add),
        answer_of(acts.change),
        answer_of(acts.enable),
        answer_of(acts.disable),
        answer_of(acts.remove),
    ];
    let problem = Signal::derive(move || answers.iter().filter_map(Signal::get).find_map(Answer::problem));
    let query = use_query_map();
    let edited = Memo::new(move |_| query.with(|query| query.get("edit")));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(ProvidersView { origin, providers, test }) => {
                        let empty = providers.is_empty();
                        let kept = StoredValue::new((origin, providers, test));
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <div class="grid max-w-5xl gap-6">
                                <ErrorSummary problem/>
                                {empty.then(|| view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> })}
                                {move || {
                                    let (origin, providers, test) = kept.get_value();
                                    providers
                                        .into_iter()
                                        .map(|row| {
                                            let test = test.clone().filter(|test| test.provider == row.id);
                                            let edit = edited.get().as_ref() == Some(&row.slug);
                                            let origin = origin.clone();
                                            view! { <Provider row origin test edit acts problem/> }.into_any()
                                        })
                                        .collect_view()
                                }}
                                {move || {
                                    edited
                                        .get()
                                        .is_none()
                                        .then(|| {
                                            view! {
                                                <Connect origin=kept.get_value().0 add=acts.add problem another=!empty/>
                                            }
                                        })
                                }}
                                <super::directories::Directories/>
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
fn Provider(
    row: ProviderRow,
    origin: String,
    test: Option<ProviderTest>,
    edit: bool,
    acts: Acts,
    problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    let (tone, state) = match (row.enabled, row.tested) {
        (true, true) => (Tone::Approve, strings::OPEN),
        (true, false) => (Tone::Escalate, strings::CHANGED),
        (false, true) => (Tone::Info, strings::TESTED),
        (false, false) => (Tone::Plain, strings::UNTESTED),
    };
    let next = match (row.enabled, row.tested) {
        (false, false) => Some(strings::NEXT_TEST),
        (false, true) => Some(strings::NEXT_OPEN),
        (true, false) => Some(strings::NEXT_TEST_AGAIN),
        (true, true) if row.people_count == 0 => Some(strings::NEXT_CONNECT),
        (true, true) => None,
    };
    let address = |path: &str| format!("{origin}/{path}/{}", row.slug);
    let label = row.name.clone();
    let (callback, back_channel, signed_out) =
        (address("callback"), address("backchannel-logout"), address("signed-out"));
    let (issuer, scopes, algorithms) =
        (row.issuer.clone(), format!("openid {}", row.scopes.join(" ")), row.algorithms.join(" "));
    let (subject_claim, key_set) = (row.subject_claim.clone(), address("client-keys"));
    let (enabled, disabled, removed) = (row.id.to_string(), row.id.to_string(), row.id.to_string());
    let edited = edit.then(|| row.clone());
    let test_address = format!("/test-sign-in/{}", row.slug);
    let link_address = format!("/link/{}", row.slug);
    let mapping_address = format!("/admin/sso/{}", row.slug);
    let edit_address = format!("/admin/sso?edit={}", row.slug);
    let known = match row.people_count {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    };

    view! {
        <section aria-label=label class="rounded-dialog border border-hairline bg-surface">
            <div class="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-hairline px-5 py-3">
                <h2 class="text-reading font-semibold">{row.name.clone()}</h2>
                <Chip tone text=state/>
                <p class="text-compact text-muted tabular-nums">{known}</p>
            </div>
            <div class="grid grid-cols-1 gap-4 px-5 py-4">
                {row
                    .fault
                    .clone()
                    .map(|fault| {
                        view! {
                            <Banner bar=Bar::Stale>
                                <p>
                                    {strings::FAULT} " " <Moment at=fault.at/> ": " {fault.detail} "."
                                </p>
                            </Banner>
                        }
                    })}
                <dl class="grid gap-2">
                    <Fact name=strings::ISSUER>
                        <code class="font-mono text-compact [overflow-wrap:anywhere]">{issuer}</code>
                    </Fact>
                    <Fact name=strings::REDIRECT>
                        <CopyId id=callback label="redirect URI"/>
                    </Fact>
                    <Fact name=strings::BACK_CHANNEL>
                        <CopyId id=back_channel label="back-channel logout URI"/>
                    </Fact>
                    <Fact name=strings::POST_LOGOUT>
                        <CopyId id=signed_out label="post-logout redirect URI"/>
                    </Fact>
                    <Fact name=strings::SCOPES>{scopes}</Fact>
                    <Fact name=strings::ALGORITHMS>{algorithms}</Fact>
                    <Fact name=strings::KNOWN_BY>
                        <code class="font-mono text-compact [overflow-wrap:anywhere]">{subject_claim}</code>
                    </Fact>
                    {row
                        .client_key
                        .clone()
                        .map(|key| {
                            view! {
                                <Fact name=strings::KEY_SET>
                                    <CopyId id=key_set label="key set"/>
                                </Fact>
                                <Fact name=strings::PUBLIC_KEY>
                                    <CopyId id=key label="public key"/>
                                </Fact>
                            }
                        })}
                </dl>
                {next.map(|next| view! { <p class="max-w-measure">{next}</p> })}
                <div class="flex flex-wrap items-center gap-3">
                    <a href=test_address rel="external" class=Weight::Plain.class()>
                        {strings::TEST}
                    </a>
                    {(row.tested && !row.enabled)
                        .then(|| {
                            view! {
                                <ActionForm action=acts.enable>
                                    <input type="hidden" name="provider" value=enabled/>
                                    <Submit weight=Weight::Primary pending=acts.enable.pending()>
                                        {strings::ENABLE}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                    {row
                        .enabled
                        .then(|| {
                            view! {
                                <a href=link_address.clone() rel="external" class=Weight::Plain.class()>
                                    {strings::LINK}
                                </a>
                                <ActionForm action=acts.disable>
                                    <input type="hidden" name="provider" value=disabled/>
                                    <Submit weight=Weight::Ending pending=acts.disable.pending()>
                                        {strings::DISABLE}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                    <a href=mapping_address class=Weight::Plain.class()>
                        {strings::MAPPING}
                    </a>
                    <a href=edit_address class=Weight::Plain.class()>
                        {strings::EDIT}
                    </a>
                    {(!row.enabled)
                        .then(|| {
                            view! {
                                <ActionForm action=acts.remove>
                                    <input type="hidden" name="provider" value=removed/>
                                    <Submit weight=Weight::Ending pending=acts.remove.pending()>
                                        {strings::REMOVE}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                </div>
                {test.map(|test| view! { <Tested test/> })}
                {edited.map(|row| view! { <Edit row change=acts.change problem/> })}
            </div>
        </section>
    }
}

/// What a test sign-in brought.
#[component]
fn Tested(test: ProviderTest) -> impl IntoView {
    let skew = match test.skew_seconds {
        -2..=2 => strings::CLOCKS_AGREE.to_owned(),
        ahead @ 3.. => format!("The provider's clock is {ahead} s ahead."),
        behind => format!("The provider's clock is {} s behind.", behind.unsigned_abs()),
    };
    let rows = test
        .claims
        .into_iter()
        .map(|ShownClaim { name, value, masked }| {
            view! {
                <tr class="border-t border-hairline align-top">
                    <th scope="row" class="py-1.5 pr-4 text-left font-mono text-compact font-normal">
                        {name}
                    </th>
                    <td class="py-1.5 text-compact [overflow-wrap:anywhere]" class:text-muted=masked>
                        {value}
                        {masked.then_some(" (hidden)")}
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <section role="status" aria-label=strings::TEST_RESULT class="rounded-control border border-hairline px-4 py-3">
            <h3 class="mb-1 font-semibold">{strings::TEST_RESULT}</h3>
            <p class="mb-2 text-compact text-muted">{strings::TEST_NOTE} " " {skew}</p>
            <table class="w-full">
                <caption class="sr-only">{strings::CLAIMS}</caption>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

/// Links to the providers, on the pages that ask who somebody is.
#[component]
pub(crate) fn WaysIn(
    /// Where the way begins: `/login` or `/step-up`.
    from: &'static str,
    /// Where it leads.
    #[prop(into)]
    next: String,
    /// Short name of a provider that was found away.
    #[prop(into)]
    away: Option<String>,
) -> impl IntoView {
    let ways = Resource::new(|| (), |()| ways_in());
    let kept = StoredValue::new((next, away));

    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let (next, away) = kept.get_value();
                let (gone, there): (Vec<_>, Vec<_>) =
                    ways.await.unwrap_or_default().into_iter().partition(|way| Some(&way.slug) == away.as_ref());
                let gone = gone.into_iter().next().map(|way| view! { <Away from next=next.clone() way/> });
                let links = (!there.is_empty())
                    .then(|| {
                        let links = there
                            .into_iter()
                            .map(|ProviderLink { slug, name }| {
                                let href = way_to(from, &slug, &next);
                                view! {
                                    <li>
                                        <a href=href rel="external" class=Weight::Primary.class()>
                                            {format!("Continue with {name}")}
                                        </a>
                                    </li>
                                }
                                .into_any()
                            })
                            .collect_view();
                        view! {
                            <ul aria-label=strings::WAYS class="mb-6 grid gap-3">
                                {links}
                            </ul>
                        }
                    });
                view! {
                    {gone}
                    {links}
                }
            })}
        </Suspense>
    }
}

/// A provider that is away: what works all the same, and the way to try once more.
#[component]
fn Away(from: &'static str, next: String, way: ProviderLink) -> impl IntoView {
    let retry = way_to(from, &way.slug, &next);
    let anyway = format!("{retry}{}anyway=1", if next.is_empty() { '?' } else { '&' });
    let meanwhile = match from {
        "/login" => strings::AWAY_SIGN_IN,
        _ => strings::AWAY_STEP_UP,
    };

    view! {
        <section aria-labelledby="away" class="mb-6 rounded-control border-l-4 border-escalate bg-escalate-tint px-4 py-3 text-escalate-ink">
            <h2 id="away" class="text-reading font-semibold">
                {format!("{} does not answer", way.name)}
            </h2>
            <p class="mt-1 mb-3">{meanwhile}</p>
            <div class="flex flex-wrap gap-3">
                <a href=retry rel="external" class=Weight::Primary.class()>
                    {strings::RETRY}
                </a>
                <a href=anyway rel="external" class=Weight::Plain.class()>
                    {strings::ANYWAY}
                </a>
            </div>
        </section>
    }
}

/// Where a way to a provider begins.
fn way_to(from: &str, slug: &str, next: &str) -> String {
    match next {
        "" => format!("{from}/{slug}"),
        next => format!("{from}/{slug}?next={}", escaped(next)),
    }
}

/// Writes a path as the value of one query parameter.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

mod strings {
    pub(super) const TITLE: &str = "Sign-in providers";
    pub(super) const INTRO: &str = "People sign in with the accounts of your company. Once one provider is open, local accounts are for emergencies only: their use alerts every admin.";
    pub(super) const NONE: &str = "No identity provider yet";
    pub(super) const NONE_REASON: &str = "Everybody signs in with a local account. Connect a provider below: three steps, none of which locks anybody out.";
    pub(super) const OPEN: &str = "Open";
    pub(super) const CHANGED: &str = "Open, changed since the last test";
    pub(super) const TESTED: &str = "Tested, closed";
    pub(super) const UNTESTED: &str = "Closed, not tested";
    pub(super) const NEXT_TEST: &str =
        "Next: the test sign-in. It shows what the provider says about you and lets nobody in.";
    pub(super) const NEXT_OPEN: &str =
        "Next: look at what the test brought, then open it. From then on people may sign in through it.";
    pub(super) const NEXT_TEST_AGAIN: &str =
        "Next: another test sign-in, because something was changed since the last one.";
    pub(super) const NEXT_CONNECT: &str = "Next: connect your own account, so that you come in this way too; then say under Roles from groups who gets which role.";
    pub(super) const FAULT: &str = "The last sign-in that failed,";
    pub(super) const ISSUER: &str = "Issuer";
    pub(super) const ISSUER_HINT: &str =
        "Exactly as the provider shows it, such as https://id.example.org. Discovery must answer below it.";
    pub(super) const REDIRECT: &str = "Redirect URI";
    pub(super) const BACK_CHANNEL: &str = "Back-channel";
    pub(super) const POST_LOGOUT: &str = "After sign-out";
    pub(super) const SCOPES: &str = "Scopes";
    pub(super) const SCOPES_HINT: &str =
        "Asked for beside openid, separated by spaces; whatever brings the groups, such as profile groups.";
    pub(super) const ALGORITHMS: &str = "Signatures";
    pub(super) const ALGORITHMS_HINT: &str = "RS256, PS256, ES256 or EdDSA, separated by spaces. Others are refused.";
    pub(super) const KNOWN_BY: &str = "Known by";
    pub(super) const SUBJECT_CLAIM: &str = "Claim that says who somebody is";
    pub(super) const SUBJECT_CLAIM_HINT: &str =
        "Nearly always sub; oid with Entra ID, whose directory pushes that too. It stays once somebody is known by it.";
    pub(super) const TEST: &str = "Test sign-in";
    pub(super) const TEST_RESULT: &str = "Test sign-in passed";
    pub(super) const TEST_NOTE: &str = "What describes the person is hidden. Kept for ten minutes, for you only.";
    pub(super) const CLOCKS_AGREE: &str = "The clocks agree.";
    pub(super) const CLAIMS: &str = "Claims";
    pub(super) const ENABLE: &str = "Open for everybody";
    pub(super) const DISABLE: &str = "Close";
    pub(super) const LINK: &str = "Connect my own account";
    pub(super) const MAPPING: &str = "Roles from groups";
    pub(super) const EDIT: &str = "Change";
    pub(super) const REMOVE: &str = "Remove";
    pub(super) const SAVE: &str = "Save";
    pub(super) const CANCEL: &str = "Cancel";
    pub(super) const CONNECT: &str = "Connect a provider";
    pub(super) const ANOTHER: &str = "Connect another provider";
    pub(super) const STEP_REGISTER: &str =
        "At the provider, register a web application with these addresses; they end in the short name below.";
    pub(super) const STEP_CONNECT: &str =
        "Here, enter its issuer and client id, and its client secret unless a key made here takes its place.";
    pub(super) const STEP_TEST: &str = "Run the test sign-in, look at what it brings, then open it for everybody.";
    pub(super) const SHORT_NAME: &str = "Short name";
    pub(super) const SHORT_NAME_SAMPLE: &str = "company";
    pub(super) const SHORT_NAME_HINT: &str =
        "Ends every address that the provider must know; it stays as it is. Lower-case letters, digits and hyphens.";
    pub(super) const NAME: &str = "Name on the sign-in page";
    pub(super) const NAME_HINT: &str = "As people know it, such as Company account.";
    pub(super) const CLIENT_ID: &str = "Client id";
    pub(super) const SECRET: &str = "Client secret";
    pub(super) const SECRET_HINT: &str = "Stored encrypted, shown to nobody again. Empty where a key takes its place.";
    pub(super) const NEW_SECRET: &str = "New client secret (empty: it stays as it is)";
    pub(super) const CLIENT_AUTH: &str = "The provider knows this installation by";
    pub(super) const BY_SECRET: &str = "A client secret (client_secret_basic)";
    pub(super) const BY_KEY: &str = "A key made here (private_key_jwt, ES256)";
    pub(super) const NEW_KEY: &str = "Make another key; the one in force ends at once";
    pub(super) const KEY_SET: &str = "Key set";
    pub(super) const KEY_SET_NOTE: &str = "Only where a key takes the place of the client secret.";
    pub(super) const PUBLIC_KEY: &str = "Public key";
    pub(super) const LOGOUT_TYP: &str = "Logout tokens";
    pub(super) const LOGOUT_TYP_REQUIRED: &str = "Must name their type";
    pub(super) const LOGOUT_TYP_OPTIONAL: &str = "May leave it out, as LemonLDAP::NG does";
    pub(super) const WAYS: &str = "Identity providers";
    pub(super) const AWAY_SIGN_IN: &str = "Nobody can begin a sign-in there at the moment. Whoever is signed in stays signed in. In an emergency a local account opens below: it asks why, lasts an hour, and every admin is told.";
    pub(super) const AWAY_STEP_UP: &str = "Nobody can show there who they are at the moment. You stay signed in, and what asks for no fresh proof goes on. A passkey, or the password of a local account, proves it below.";
    pub(super) const RETRY: &str = "Retry";
    pub(super) const ANYWAY: &str = "Go there anyway";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_one_parameter() {
        assert_eq!(escaped("/decisions/1?a=b&c"), "/decisions/1%3Fa%3Db%26c");
        assert_eq!(way_to("/login", "company", "/a?b=c"), "/login/company?next=/a%3Fb%3Dc");
        assert_eq!(way_to("/step-up", "company", ""), "/step-up/company");
    }
}
