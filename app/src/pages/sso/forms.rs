//! The two forms of a provider: connecting one, and changing what is known of it.

use countersign_domain::provider::{ClientAuth, ProviderRow};
use leptos::{form::ActionForm, prelude::*};

use super::{AddProvider, ChangeProvider, strings};
use crate::{
    answer::typed,
    components::{
        admin::Choose,
        form::{Field, Kind, Submit, Weight},
        page::{Fact, Panel},
        text::CopyId,
    },
};

/// Changes what is known of a provider.
#[component]
pub(super) fn Edit(
    row: ProviderRow,
    change: ServerAction<ChangeProvider>,
    problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    view! {
        <ActionForm action=change attr:class="grid max-w-md gap-4 border-t border-hairline pt-4">
            <input type="hidden" name="provider" value=row.id.to_string()/>
            <Field name="name" label=strings::NAME kind=Kind::Text hint=strings::NAME_HINT value=row.name problem/>
            <Field name="client_id" label=strings::CLIENT_ID kind=Kind::Text value=row.client_id problem/>
            <ByWhat id="change-client-auth" chosen=row.client_auth/>
            {row
                .client_key
                .is_some()
                .then(|| {
                    view! {
                        <div class="flex items-center gap-2">
                            <input id="new_key" type="checkbox" name="new_key" value="true" class="size-5"/>
                            <label for="new_key">{strings::NEW_KEY}</label>
                        </div>
                    }
                })}
            <Field
                name="secret"
                label=strings::NEW_SECRET
                kind=Kind::Secret
                hint=strings::SECRET_HINT
                problem
            />
            <Field
                name="scopes"
                label=strings::SCOPES
                kind=Kind::Text
                hint=strings::SCOPES_HINT
                value=row.scopes.join(" ")
                problem
            />
            <Field
                name="algorithms"
                label=strings::ALGORITHMS
                kind=Kind::Text
                hint=strings::ALGORITHMS_HINT
                value=row.algorithms.join(" ")
                problem
            />
            <Field
                name="subject_claim"
                label=strings::SUBJECT_CLAIM
                kind=Kind::Text
                hint=strings::SUBJECT_CLAIM_HINT
                value=row.subject_claim
                problem
            />
            <Choose
                id="logout_typ"
                name="logout_typ"
                label=strings::LOGOUT_TYP
                options=vec![
                    ("required".into(), strings::LOGOUT_TYP_REQUIRED.into(), row.logout_typ_required),
                    ("optional".into(), strings::LOGOUT_TYP_OPTIONAL.into(), !row.logout_typ_required),
                ]
            />
            <div class="flex flex-wrap gap-3">
                <Submit weight=Weight::Primary pending=change.pending()>
                    {strings::SAVE}
                </Submit>
                <a href="/admin/sso" class=Weight::Plain.class()>
                    {strings::CANCEL}
                </a>
            </div>
        </ActionForm>
    }
}

/// The three steps; folded away where a provider is connected, whose own next step comes first.
#[component]
pub(super) fn Connect(
    origin: String,
    add: ServerAction<AddProvider>,
    problem: Signal<Option<countersign_domain::Problem>>,
    another: bool,
) -> impl IntoView {
    if !another {
        return view! {
            <Panel title=strings::CONNECT>
                <Steps origin add problem/>
            </Panel>
        }
        .into_any();
    }
    let typing = !typed::<AddProvider>("slug").is_empty();

    view! {
        <details open=typing class="rounded-dialog border border-hairline bg-surface">
            <summary class="px-5 py-3 text-reading font-semibold">{strings::ANOTHER}</summary>
            <div class="grid grid-cols-1 gap-4 border-t border-hairline px-5 py-4">
                <Steps origin add problem/>
            </div>
        </details>
    }
    .into_any()
}

#[component]
fn Steps(
    origin: String,
    add: ServerAction<AddProvider>,
    problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    let pattern = |path: &str| format!("{origin}/{path}/{}", strings::SHORT_NAME_SAMPLE);
    let (callback, back_channel, signed_out, key_set) =
        (pattern("callback"), pattern("backchannel-logout"), pattern("signed-out"), pattern("client-keys"));

    view! {
        <ol class="grid list-decimal gap-2 pl-5 text-body">
            <li>
                {strings::STEP_REGISTER}
                <dl class="mt-2 grid gap-2">
                    <Fact name=strings::REDIRECT>
                        <CopyId id=callback label="redirect URI"/>
                    </Fact>
                    <Fact name=strings::BACK_CHANNEL>
                        <CopyId id=back_channel label="back-channel logout URI"/>
                    </Fact>
                    <Fact name=strings::POST_LOGOUT>
                        <CopyId id=signed_out label="post-logout redirect URI"/>
                    </Fact>
                    <Fact name=strings::KEY_SET>
                        <CopyId id=key_set label="key set"/>
                        <p class="text-compact text-muted">{strings::KEY_SET_NOTE}</p>
                    </Fact>
                </dl>
            </li>
            <li>{strings::STEP_CONNECT}</li>
            <li>{strings::STEP_TEST}</li>
        </ol>
        <ActionForm action=add attr:class="grid max-w-md gap-4">
            <Field
                name="slug"
                label=strings::SHORT_NAME
                kind=Kind::Text
                hint=strings::SHORT_NAME_HINT
                value={or_sample(typed::<AddProvider>("slug"), strings::SHORT_NAME_SAMPLE)}
                problem
            />
            <Field
                name="name"
                label=strings::NAME
                kind=Kind::Text
                hint=strings::NAME_HINT
                value={typed::<AddProvider>("name")}
                problem
            />
            <Field
                name="issuer"
                label=strings::ISSUER
                kind=Kind::Text
                hint=strings::ISSUER_HINT
                value={typed::<AddProvider>("issuer")}
                problem
            />
            <Field
                name="client_id"
                label=strings::CLIENT_ID
                kind=Kind::Text
                value={typed::<AddProvider>("client_id")}
                problem
            />
            <ByWhat
                id="client-auth"
                chosen={ClientAuth::from_word(&typed::<AddProvider>("client_auth")).unwrap_or_default()}
            />
            <Field
                name="secret"
                label=strings::SECRET
                kind=Kind::Secret
                hint=strings::SECRET_HINT
                problem
            />
            <Field
                name="scopes"
                label=strings::SCOPES
                kind=Kind::Text
                hint=strings::SCOPES_HINT
                value={or_sample(typed::<AddProvider>("scopes"), "profile")}
                problem
            />
            <Field
                name="algorithms"
                label=strings::ALGORITHMS
                kind=Kind::Text
                hint=strings::ALGORITHMS_HINT
                value={or_sample(typed::<AddProvider>("algorithms"), "RS256")}
                problem
            />
            <Field
                name="subject_claim"
                label=strings::SUBJECT_CLAIM
                kind=Kind::Text
                hint=strings::SUBJECT_CLAIM_HINT
                value={or_sample(typed::<AddProvider>("subject_claim"), "sub")}
                problem
            />
            <div>
                <Submit weight=Weight::Primary pending=add.pending()>
                    {strings::CONNECT}
                </Submit>
            </div>
        </ActionForm>
    }
}

/// By what the provider knows this installation.
#[component]
fn ByWhat(id: &'static str, chosen: ClientAuth) -> impl IntoView {
    let option = |way: ClientAuth, text: &str| (way.word().to_owned(), text.to_owned(), way == chosen);

    view! {
        <Choose
            id
            name="client_auth"
            label=strings::CLIENT_AUTH
            options=vec![
                option(ClientAuth::ClientSecretBasic, strings::BY_SECRET),
                option(ClientAuth::PrivateKeyJwt, strings::BY_KEY),
            ]
        />
    }
}

fn or_sample(typed: String, sample: &str) -> String {
    if typed.is_empty() { sample.to_owned() } else { typed }
}
