#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# image.sh DIR [PACKAGE...]: make the root file system of a test host in DIR, from Debian's packages alone. As root.
# The image is cached by the hash of this file and the packages: whatever changes a host belongs in here, or in what
# each set of hosts mounts at /opt/botops (keys, passwords, the bot).
set -eu
dir=$1
shift

packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,openssh-server,python3,sudo,iproute2,procps,acl
packages=$packages,attr,supervisor
for package in "$@"; do
    packages=$packages,$package
done
# --keep-debootstrap-dir no, --force-check-gpg no: the defaults do; unpacking without a sync for each file is what is slow.
debootstrap --variant=minbase --include="$packages" bookworm "$dir"

# Two people: one whose sudo asks nothing, one whose sudo wants a password; and who the services run as.
for user in ops opspw; do
    chroot "$dir" useradd --create-home --shell /bin/bash "$user"
done
chroot "$dir" useradd --system --shell /usr/sbin/nologin bot
cat > "$dir/etc/sudoers.d/hosts" <<END
ops ALL=(ALL:ALL) NOPASSWD: ALL
opspw ALL=(ALL:ALL) ALL
END
chmod 0440 "$dir/etc/sudoers.d/hosts"

# Keys come with the set of hosts. MaxStartups: many connections arrive at once.
rm -f "$dir"/etc/ssh/ssh_host_*
cat > "$dir/etc/ssh/sshd_config.d/hosts.conf" <<END
HostKey /opt/botops/host_key
AuthorizedKeysFile /opt/botops/authorized_keys
PasswordAuthentication no
MaxStartups 200
MaxSessions 200
UseDNS no
END

# A login while the user's manager of systemd is being stopped, 10 s after the last one, hangs in a container: never stop it.
mkdir -p "$dir/etc/systemd/logind.conf.d"
printf '[Login]\nUserStopDelaySec=infinity\n' > "$dir/etc/systemd/logind.conf.d/hosts.conf"

# The password of opspw, before anybody can log in.
cat > "$dir/etc/systemd/system/hosts-setup.service" <<END
[Unit]
Description=What belongs to this set of hosts
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'chpasswd < /opt/botops/passwords'
[Install]
WantedBy=sysinit.target
END
chroot "$dir" systemctl --quiet enable hosts-setup.service
chroot "$dir" systemctl --quiet disable supervisor.service
# What has nothing to do in a container, or would wake up in the middle of a test.
chroot "$dir" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer \
    e2scrub_all.timer e2scrub_reap.service systemd-tmpfiles-clean.timer getty.target console-getty.service \
    systemd-timesyncd.service systemd-update-utmp.service systemd-random-seed.service
mkdir -p "$dir/opt/botops" "$dir/etc/bots"
chmod 0750 "$dir/etc/bots"
rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/* "$dir"/usr/share/doc/* "$dir"/usr/share/man/*
