# man: the manual pages.

dist_man_MANS += \
	%D%/hayfork.1
