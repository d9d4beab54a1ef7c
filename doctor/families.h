/* The checks and fixes that the table names, by family. */
#ifndef DOCTOR_FAMILIES_H
#define DOCTOR_FAMILIES_H

#include "doctor/room.h"
#include "doctor/survey.h"

#define CHECK(name) void name(struct doctor *d, struct doctor_result *r)
#define FIX(name) int name(struct doctor *d, struct doctor_repair *rp, struct err *err)
#define FIX_ROWS(name)                                                                                 \
    int name(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp, struct err *err)

/* core.c */
CHECK(core_installation);
CHECK(core_fresh_clone);
CHECK(core_metadata);
FIX(core_metadata_fix);
CHECK(core_permissions);
FIX(core_permissions_fix);
CHECK(core_cli_version);
CHECK(core_dolt_mode);

/* database.c */
CHECK(database_opens);
FIX_ROWS(database_version_fix);
CHECK(database_format);
CHECK(database_schema);
FIX(database_schema_fix);
CHECK(database_tables);
CHECK(database_connection);
CHECK(database_identity);
FIX(database_identity_fix);
FIX_ROWS(database_identity_fix_rows);
CHECK(database_fingerprint);
FIX_ROWS(database_fingerprint_fix);
CHECK(database_count);
CHECK(database_status);
CHECK(database_phantoms);
CHECK(database_conflicts);
CHECK(database_locks);

/* settings.c */
CHECK(settings_files);
FIX(settings_files_fix);
CHECK(settings_values);
CHECK(settings_role);
CHECK(settings_repositories);
CHECK(settings_port);

/* data.c */
CHECK(data_ids);
CHECK(data_both_families);
CHECK(data_duplicates);
CHECK(data_test_issues);
CHECK(data_kv);
CHECK(data_large);
CHECK(data_jsonl);

/* graph.c */
CHECK(graph_cycles);
CHECK(graph_orphans);
FIX_ROWS(graph_orphans_fix);
CHECK(graph_child_parent);
FIX_ROWS(graph_child_parent_fix);
CHECK(graph_blocked);
FIX_ROWS(graph_blocked_fix);
CHECK(graph_counters);
FIX_ROWS(graph_counters_fix);

/* orphan_rows.c */
CHECK(orphan_rows);
FIX_ROWS(orphan_rows_fix);

/* deep.c */
CHECK(deep_parents);
CHECK(deep_dependencies);
CHECK(deep_epics);
CHECK(deep_threads);
CHECK(deep_molecules);
CHECK(deep_jsonl);

/* storage.c */
CHECK(storage_size);
CHECK(storage_journal);
CHECK(storage_config);
CHECK(storage_version);
CHECK(storage_compact_state);
CHECK(storage_space);
CHECK(storage_aside);
CHECK(storage_garbage);
/* integrity.c */
CHECK(integrity_quick);
FIX(integrity_fix);
CHECK(integrity_deep);

/* git.c */
CHECK(git_ignore);
FIX(git_ignore_fix);
CHECK(git_project_ignore);
FIX(git_project_ignore_fix);
CHECK(git_redirect_tracked);
CHECK(git_last_touched_tracked);
CHECK(git_runtime_tracked);
FIX(git_untrack_fix);
CHECK(git_untracked);
CHECK(git_redirect_target);
CHECK(git_redirect_sync);
CHECK(git_vestigial);
CHECK(git_working_tree);
CHECK(git_upstream);
CHECK(git_orphaned_issues);
CHECK(git_secrets);
/* hooks.c */
CHECK(hooks_installed);
CHECK(hooks_legacy);
CHECK(hooks_old_inline);

/* runtime.c */
CHECK(runtime_locks);
FIX(runtime_locks_fix);
CHECK(runtime_server_files);
FIX(runtime_server_files_fix);
CHECK(runtime_circuit);
CHECK(runtime_logs);
CHECK(runtime_nocow);
FIX(runtime_nocow_fix);
CHECK(runtime_temporary);
FIX(runtime_temporary_fix);
CHECK(runtime_shared_server);
CHECK(runtime_locking);
CHECK(runtime_speed);

/* federation.c */
CHECK(federation_remotes);
CHECK(federation_api);
CHECK(federation_peers);
CHECK(federation_staleness);
CHECK(federation_conflicts);
CHECK(federation_push);

/* integrations.c */
CHECK(integrations_claude);
CHECK(integrations_settings);
CHECK(integrations_hooks);
CHECK(integrations_prime);
CHECK(integrations_path);
CHECK(integrations_plugin);
CHECK(integrations_prime_documents);
CHECK(integrations_documents);
CHECK(integrations_divergence);
CHECK(integrations_legacy_commands);
CHECK(integrations_legacy_tools);

/* maintenance.c */
CHECK(maintenance_version);
CHECK(maintenance_deletions);
FIX(maintenance_deletions_fix);
CHECK(maintenance_stale_closed);
CHECK(maintenance_stale_molecules);
CHECK(maintenance_persistent_molecules);
CHECK(maintenance_misclassified_wisps);
CHECK(maintenance_patrol);
CHECK(maintenance_mq);
FIX(maintenance_mq_fix);
CHECK(maintenance_migrations);
CHECK(maintenance_artifacts);

/* server.c */
CHECK(server_check);

#undef CHECK
#undef FIX
#undef FIX_ROWS

/* The survey, taken on the first call; NULL (r is filled) when there is no database or it cannot be
 * read. */
struct survey *doctor_survey(struct doctor *d, struct doctor_result *r);

#endif
