-- All that is resolved is listed by its time, and decisions are looked up by the case that their AI system names.

create index resolutions_resolved_idx on resolutions (resolved_at desc, decision_id desc);
create index decisions_external_id_idx on decisions (external_id) where external_id is not null;

alter table saved_views add column outcome text;
