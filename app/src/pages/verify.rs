//! `/verify`: a public page that hosts the verifier. The verifier is its own module and fills `#verify`.

use leptos::prelude::*;

use crate::components::{
    page::{PageHeader, PageTitle, Panel, TitleText},
    text::Payload,
};

/// Instructions, command lines, and the place that the verifier fills.
#[component]
pub(crate) fn VerifyPage() -> impl IntoView {
    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-reading text-muted">{strings::INTRO}</p>
        </PageHeader>
        <div class="grid max-w-4xl gap-6">
            <Panel title=strings::HERE>
                <p class="max-w-measure text-muted">{strings::NEEDS_SCRIPT}</p>
                <div id="verify" class="grid grid-cols-1 gap-4"></div>
            </Panel>
            <Panel title=strings::COMMAND_LINE>
                <p class="max-w-measure">{strings::COMMAND_LINE_TEXT}</p>
                <Payload value=strings::COMMANDS/>
            </Panel>
            <Panel title=strings::CHECKED>
                <ol class="max-w-measure list-decimal space-y-1 pl-6">
                    {strings::CHECKS.iter().map(|check| view! { <li>{*check}</li> }).collect_view()}
                </ol>
            </Panel>
            <Panel title=strings::LIMITS>
                <p class="max-w-measure">{strings::LIMITS_TEXT}</p>
            </Panel>
        </div>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Verify a proof";
    pub(super) const INTRO: &str = "A proof file shows that an entry stands in the sealed ledger, with exactly these bytes, at exactly this place. Checking it needs no account and no trust in this server.";
    pub(super) const HERE: &str = "In this browser";
    pub(super) const NEEDS_SCRIPT: &str = "Nothing is uploaded: the file is read and checked on this machine, and once the page is loaded the network is not needed. This part needs JavaScript; the commands below do not.";
    pub(super) const COMMAND_LINE: &str = "On a command line";
    pub(super) const COMMAND_LINE_TEXT: &str = "The same checks, from the same code. The command ends with 0 when every check passed, 1 when one failed, 2 when one could not be made.";
    pub(super) const COMMANDS: &str = "countersign verify decision.tlog-proof --trust trust-policy.txt";
    pub(super) const CHECKED: &str = "What is checked, each on its own line";
    pub(super) const CHECKS: [&str; 7] = [
        "The file is well-formed, strictly.",
        "The leaf hash of the stored bytes.",
        "The inclusion path from the leaf to the root.",
        "The root equals the one in the checkpoint.",
        "The checkpoint's signature and key id, pinned or taken from the same server.",
        "Witness cosignatures, where the trust policy names witnesses.",
        "Consistency with the last head that this browser saw.",
    ];
    pub(super) const LIMITS: &str = "What a proof does not show";
    pub(super) const LIMITS_TEXT: &str = "That an entry is in the ledger does not make it true or complete. A key that came from this same server proves only that the server agrees with itself: pin the key, or keep a checkpoint from elsewhere.";
}
