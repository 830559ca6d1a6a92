-- Who asks for a role, and what an admin answered.

-- Page and reason are in the vault, under the entry; the words of the answer under its own.
create table role_requests (
  entry_id uuid primary key references ledger_entries (id),
  person_id uuid not null references people (id),
  role text,
  asked_at timestamptz not null,
  answer text,
  answered_by uuid references people (id),
  answered_at timestamptz,
  answered_entry_id uuid references ledger_entries (id),
  constraint role_requests_answered_entry_id_key unique (answered_entry_id),
  constraint role_requests_role_check check (
    role in ('viewer', 'approver', 'senior_approver', 'policy_author', 'admin', 'compliance_officer', 'auditor')),
  constraint role_requests_answer_check check (answer in ('given', 'refused')),
  constraint role_requests_answered_check check (
    num_nulls(answer, answered_by, answered_at, answered_entry_id) in (0, 4))
);
-- One person asks once at a time.
create unique index role_requests_waiting_key on role_requests (person_id) where answer is null;
create index role_requests_person_idx on role_requests (person_id, asked_at);
create index role_requests_answered_idx on role_requests (answered_at) where answer is not null;

grant select, insert on role_requests to countersign_app;
grant update (answer, answered_by, answered_at, answered_entry_id) on role_requests to countersign_app;
