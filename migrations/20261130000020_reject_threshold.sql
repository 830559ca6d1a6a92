-- How many rejections it takes to reject, where the row says more than one.
alter table decisions add column reject_threshold integer not null default 1 check (reject_threshold > 0);
alter table decision_routes add column reject_threshold integer not null default 1 check (reject_threshold > 0);
alter table decisions alter column reject_threshold drop default;
alter table decision_routes alter column reject_threshold drop default;
grant update (reject_threshold) on decisions to countersign_app;
