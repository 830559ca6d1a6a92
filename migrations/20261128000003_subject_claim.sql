-- The claim of a provider's tokens that says who somebody is. It stays once somebody is known by it.

alter table identity_providers add column subject_claim text collate "C" not null default 'sub';

grant update (subject_claim) on identity_providers to countersign_app;
