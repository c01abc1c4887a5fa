#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Two clerks move money between two accounts. Each account has a lock, a System V semaphore.
# One clerk locks "rent" first, the other "food": they wait for each other for ever.
# Pipes hold each of them back until the other has its first lock, so it happens every time.
use strict;
use warnings;
use IPC::SysV qw(IPC_PRIVATE S_IRUSR S_IWUSR);
use IPC::Semaphore;

my %account = (rent => 0, food => 1);
my $locks = IPC::Semaphore->new(IPC_PRIVATE, scalar(keys %account), S_IRUSR | S_IWUSR)
	or die "semget: $!\n";
$locks->setall(1, 1);

sub lock_account {
	my ($name) = @_;
	$locks->op($account{$name}, -1, 0) or die "lock $name: $!\n";
}

sub unlock_account {
	my ($name) = @_;
	$locks->op($account{$name}, +1, 0) or die "unlock $name: $!\n";
}

sub start_clerk {
	my ($from, $to, $ready, $other_is_ready) = @_;
	my $pid = fork() // die "fork: $!\n";
	return $pid if $pid;
	lock_account($from);
	syswrite($ready, "x");
	sysread($other_is_ready, my $byte, 1);
	lock_account($to);
	unlock_account($to);
	unlock_account($from);
	exit 0;
}

pipe(my $first_out, my $first_in) or die "pipe: $!\n";
pipe(my $second_out, my $second_in) or die "pipe: $!\n";
start_clerk('rent', 'food', $first_in, $second_out);
start_clerk('food', 'rent', $second_in, $first_out);
1 while wait() != -1;
$locks->remove();
print "both transfers are done\n";
