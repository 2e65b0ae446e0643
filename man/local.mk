# man: the manual pages.

dist_man_MANS += \
	%D%/hayfork-journal.5 \
	%D%/hayfork.1
