# batch: job scripts that a user copies or submits as they are; installed in
# $(pkgdatadir)/batch.

nobase_dist_pkgdata_SCRIPTS += \
	%D%/gridengine \
	%D%/job \
	%D%/local \
	%D%/pbs \
	%D%/slurm
