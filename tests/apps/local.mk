# tests/apps: programs test_* (check_PROGRAMS) and scripts t_*.sh
# (dist_check_SCRIPTS); what scripts run beside them has another name.

dist_check_SCRIPTS += \
	%D%/t_again.sh \
	%D%/t_crashes.sh \
	%D%/t_doctor.sh \
	%D%/t_examples.sh \
	%D%/t_files.sh \
	%D%/t_formats.sh \
	%D%/t_grow.sh \
	%D%/t_input.sh \
	%D%/t_join.sh \
	%D%/t_journal.sh \
	%D%/t_kills.sh \
	%D%/t_launch.sh \
	%D%/t_leave.sh \
	%D%/t_limits.sh \
	%D%/t_losses.sh \
	%D%/t_replay.sh \
	%D%/t_resources.sh \
	%D%/t_run.sh \
	%D%/t_signals.sh \
	%D%/t_submit.sh \
	%D%/t_walltime.sh

EXTRA_DIST += \
	%D%/support.sh \
	tests/data/wf/cut.json \
	tests/data/wf/cycle.json \
	tests/data/wf/diamond.json \
	tests/data/wf/duplicate.json \
	tests/data/wf/negative.json \
	tests/data/wf/unknown-parent.json \
	tests/data/wf/version-1.4.json
