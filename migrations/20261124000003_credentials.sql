-- What people prove themselves with, what each sign-in was worth, and the passkey records of reviews.

-- One known secret per master key: start tells a missing or wrong key by it.
create table envelope_checks (
  epoch bigint primary key,
  sealed bytea not null,
  made_at timestamptz not null
);

-- `authenticated_at` moves with each step-up; `ends_at` is earlier than the absolute limit for break-glass.
alter table sessions
  add column authenticated_at timestamptz not null default now(),
  add column acr text,
  add column provider_id uuid,
  add column idp_sid text collate "C",
  add column credential_id uuid,
  add column ends_at timestamptz;
update sessions set authenticated_at = started_at;
create index sessions_provider_idx on sessions (provider_id, idp_sid) where ended_at is null;

create table passkeys (
  id uuid primary key,
  person_id uuid not null references people (id),
  credential_id bytea not null,
  public_key bytea not null,
  alg text not null,
  aaguid uuid,
  backup_eligible boolean not null,
  backed_up boolean not null,
  counter bigint not null,
  enrolled_at timestamptz not null,
  last_used_at timestamptz,
  confirmed_at timestamptz,
  removed_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  confirmed_entry_id uuid references ledger_entries (id),
  removed_entry_id uuid references ledger_entries (id),
  constraint passkeys_credential_id_key unique (credential_id),
  constraint passkeys_alg_check check (alg in ('es256', 'eddsa')),
  constraint passkeys_entry_id_key unique (entry_id),
  constraint passkeys_confirmed_check check ((confirmed_at is null) = (confirmed_entry_id is null)),
  constraint passkeys_removed_check check ((removed_at is null) = (removed_entry_id is null))
);
create index passkeys_person_idx on passkeys (person_id) where removed_at is null;

-- Seeds are sealed by the envelope; `last_step` lets each code work once. A seed counts once it was used.
create table totp_seeds (
  id uuid primary key,
  person_id uuid not null references people (id),
  sealed bytea not null,
  last_step bigint not null,
  made_at timestamptz not null,
  enrolled_at timestamptz,
  removed_at timestamptz,
  entry_id uuid references ledger_entries (id),
  constraint totp_seeds_entry_id_key unique (entry_id),
  constraint totp_seeds_enrolled_check check ((enrolled_at is null) = (entry_id is null))
);
create unique index totp_seeds_person_key on totp_seeds (person_id) where enrolled_at is not null and removed_at is null;

create table recovery_codes (
  code_hash bytea primary key,
  person_id uuid not null references people (id),
  made_at timestamptz not null,
  used_at timestamptz
);
create index recovery_codes_person_idx on recovery_codes (person_id) where used_at is null;

-- Random challenges of enrolment, sign-in and step-up: each works once, for five minutes.
create table passkey_challenges (
  challenge bytea primary key,
  purpose text not null,
  session_id uuid references sessions (id),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint passkey_challenges_purpose_check check (purpose in ('enrol', 'sign_in', 'step_up'))
);

-- What one assertion is asked to sign: a review of one presentation, word for word. `sealed` holds the key of the
-- reason's commitment and the reason, so that what was signed is what is recorded.
create table review_signings (
  id uuid primary key,
  nonce bytea not null,
  presentation_id uuid not null references presentations (id),
  verdict text not null,
  code text not null,
  sealed bytea not null,
  challenge bytea not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint review_signings_nonce_key unique (nonce)
);
create index review_signings_presentation_idx on review_signings (presentation_id);

-- What a person should know about their own access, shown on every page until they have read it.
create table notices (
  id uuid primary key,
  person_id uuid not null references people (id),
  kind text not null,
  at timestamptz not null,
  read_at timestamptz,
  about_person_id uuid references people (id),
  entry_id uuid not null references ledger_entries (id)
);
create index notices_unread_idx on notices (person_id, at) where read_at is null;

grant select, insert on envelope_checks, passkeys, totp_seeds, recovery_codes, passkey_challenges, review_signings, notices
  to countersign_app;
grant update (token_hash, authenticated_at, acr, credential_id) on sessions to countersign_app;
grant update (backed_up, counter, last_used_at, confirmed_at, confirmed_entry_id, removed_at, removed_entry_id)
  on passkeys to countersign_app;
grant update (last_step, enrolled_at, removed_at, entry_id), delete on totp_seeds to countersign_app;
grant update (used_at), delete on recovery_codes to countersign_app;
grant update (used_at), delete on passkey_challenges to countersign_app;
grant update (used_at), delete on review_signings to countersign_app;
grant update (read_at) on notices to countersign_app;
