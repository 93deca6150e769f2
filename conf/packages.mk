# SPDX-License-Identifier: BSD-3-Clause
#
# How packages are built, all of it below $(BUILD); the Makefile includes this.
#
#   make dist         pam_hfcache-VERSION.tar.gz
#   make deb          deb/*.deb and their source package
#   make rpm          rpm/*.rpm, the source package among them
#
# The version of them all is VERSION; their dates are that of the last commit,
# so that two builds of it by the same compiler are the same, byte by byte
# (RPMs: in the same folder; elsewhere what is in them).  Who answers for them is
# PACKAGER, or DEBFULLNAME and DEBEMAIL; without these nobody can be written to,
# and the address says so.

SOURCE_DATE_EPOCH ?= $(shell git -c safe.directory='$(CURDIR)' \
	log -1 --format=%ct 2> /dev/null || stat -c %Y Makefile)
RELEASE := 1
PACKAGER ?= $(or $(DEBFULLNAME),The pam_hfcache developers) \
	<$(or $(DEBEMAIL),noreply@pam-hfcache.invalid)>

UNPACKED := pam_hfcache-$(VERSION)
TARBALL := $(abspath $(BUILD))/$(UNPACKED).tar.gz
DEB := $(abspath $(BUILD))/deb
RPM := $(abspath $(BUILD))/rpm

# What was given to this make is not meant for the one that the package runs:
# its BUILD least of all.
package_env = env -i PATH="$$PATH" HOME="$$HOME" TMPDIR="$${TMPDIR:-/tmp}" \
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) LC_ALL=C
quoted = '$(subst ','\'',$(1))'
package_date = $$(LC_ALL=C date -u -d @$(SOURCE_DATE_EPOCH) $(1))

dist:
	@mkdir -p $(BUILD)
	LC_ALL=C tar --create --format=ustar --sort=name --owner=0 --group=0 \
		--numeric-owner --mode=u=rwX,go=rX --mtime=@$(SOURCE_DATE_EPOCH) \
		--exclude=__pycache__ --exclude-backups \
		--transform='s,^,$(UNPACKED)/,' pam_hfcache conf tests .ci \
		Makefile README.md LICENSE | gzip -9n > $(TARBALL)

# The tests of this tree have run, or will: the package need not run them again.
deb: dist
	@command -v dh > /dev/null || { echo "this needs what" \
		"'tests/system/packages build package' installs" >&2; exit 1; }
	rm -rf $(DEB)
	mkdir -p $(DEB)
	cp $(TARBALL) $(DEB)/pam-hfcache_$(VERSION).orig.tar.gz
	tar -xzf $(TARBALL) -C $(DEB)
	cp -R $(DEB)/$(UNPACKED)/conf/debian $(DEB)/$(UNPACKED)/debian
	sed -i $(call quoted,s|@PACKAGER@|$(subst &,\&,$(PACKAGER))|) \
		$(DEB)/$(UNPACKED)/debian/control
	printf '%s\n\n  * %s\n\n -- %s  %s\n' \
		'pam-hfcache ($(VERSION)-$(RELEASE)) unstable; urgency=medium' \
		'Version $(VERSION): README.md tells what is new.' \
		$(call quoted,$(PACKAGER)) \
		"$(call package_date,-R)" > $(DEB)/$(UNPACKED)/debian/changelog
	cd $(DEB)/$(UNPACKED) && $(package_env) \
		DEB_BUILD_OPTIONS="$${DEB_BUILD_OPTIONS-nocheck}" \
		dpkg-buildpackage -us -uc
	rm -rf $(DEB)/$(UNPACKED)

# Elsewhere than on a system of RPM packages, rpmbuild knows of none that is
# installed.
rpm: dist
	@command -v rpmbuild > /dev/null || { echo "this needs rpmbuild" >&2; \
		exit 1; }
	rm -rf $(RPM)
	mkdir -p $(RPM)
	cp $(TARBALL) $(RPM)
	{ sed 's/@VERSION@/$(VERSION)/; s/@RELEASE@/$(RELEASE)/' \
		conf/rpm/pam_hfcache.spec; \
		echo "* $(call package_date,'+%a %b %d %Y')" \
			$(call quoted,$(PACKAGER) - $(VERSION)-$(RELEASE)); \
		echo '- Version $(VERSION): README.md tells what is new.'; \
		} > $(RPM)/pam_hfcache.spec
	$(package_env) rpmbuild -ba --clean \
		$(if $(shell rpm -q rpm 2> /dev/null | grep ^rpm-),,--nodeps) \
		--define '_topdir $(RPM)' --define '_sourcedir %{_topdir}' \
		--define '_rpmdir %{_topdir}' --define '_srcrpmdir %{_topdir}' \
		--define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
		--define 'use_source_date_epoch_as_buildtime 1' \
		--define 'clamp_mtime_to_source_date_epoch 1' \
		--define '_buildhost localhost' $(RPM)/pam_hfcache.spec
	rm -rf $(RPM)/BUILD $(RPM)/BUILDROOT $(RPM)/$(UNPACKED).tar.gz \
		$(RPM)/pam_hfcache.spec

.PHONY: dist deb rpm
