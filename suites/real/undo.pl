#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A worker takes a lock, a System V semaphore, adds to a counter and lets go. Then the parent
# takes it. If the worker dies in between, the lock stays taken for ever, as it was taken
# without SEM_UNDO. With --undo it is taken with SEM_UNDO, and the kernel gives it back.
use strict;
use warnings;
use IPC::SysV qw(IPC_PRIVATE SEM_UNDO S_IRUSR S_IWUSR);
use IPC::Semaphore;

my $flags = (@ARGV && $ARGV[0] eq '--undo') ? SEM_UNDO : 0;
my $lock = IPC::Semaphore->new(IPC_PRIVATE, 1, S_IRUSR | S_IWUSR) or die "semget: $!\n";
$lock->setval(0, 1);

sub take {
	$lock->op(0, -1, $flags) or die "take: $!\n";
}

sub give {
	$lock->op(0, +1, $flags) or die "give: $!\n";
}

pipe(my $result, my $worker_result) or die "pipe: $!\n";
my $pid = fork() // die "fork: $!\n";
if (!$pid) {
	close $result;
	take();
	syswrite($worker_result, "41");
	give();
	exit 0;
}
close $worker_result;
# Both tell that the worker has had the lock: its answer, and the end of file of its death.
my $answer = '';
my $count = sysread($result, $answer, 2) ? $answer : 0;
take();
$count++;
give();
waitpid($pid, 0);
$lock->remove();
print "the count is $count\n";
