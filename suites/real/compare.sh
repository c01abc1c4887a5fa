# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Runs a program by itself and under ipcjam with no rule, and compares output and exit status.
# Each file in programs/ says in its head comment what this needs to know:
#   # packages: stress-ng           what it needs; it is skipped where one is missing
#   # have: stress-ng               commands that must be found
#   # have-perl: IPC::ShareLite     Perl modules that must be found
#   # have-python: sysv_ipc         modules of Debian's Python that must be found
#   # root: yes                     it is skipped for other users
#   # full: yes                     it is skipped without --full
#   # build: NAME COMPILER ARG...   run in src/ before; the program finds $REAL_BIN/NAME
#   # sees: semop msgsnd>=20        calls that ipcjam must have seen, or the run proves nothing
#   # finds: lost-message: reason   finding kinds that this program really has
#   # reach: none: setuid program   what ipcjam must have said of one of its processes
#   # limit: 60                     seconds for each of the two runs (default 30)
#   # full-limit: 200               the same with --full
# Its standard output has only figures that are the same in each run; its standard error is
# compared too. Server programs write their logs elsewhere. Who reads this in sets $ipcjam and
# exports REAL_FULL (empty, or "yes": all rounds are wanted) and REAL_DIR (this folder).
: "${ipcjam:?}" "${REAL_DIR:?}"

# All values of a field in the head comment, a line each.
head_field()
{
	sed -n -e '/^#/!q' -e "s/^# $2: *//p" "$1"
}

# What is missing for the program, as a reason to skip it; nothing where all is there.
missing_for()
{
	local file=$1 packages word name compiler
	packages="package $(head_field "$file" packages) is not installed"
	for word in $(head_field "$file" have); do
		PATH=$PATH:/usr/sbin command -v "$word" >/dev/null ||
			[ -x "$word" ] || { echo "$packages"; return; }
	done
	for word in $(head_field "$file" have-perl); do
		/usr/bin/perl -M"$word" -e 1 2>/dev/null || { echo "$packages"; return; }
	done
	for word in $(head_field "$file" have-python); do
		/usr/bin/python3 -c "import $word" 2>/dev/null || { echo "$packages"; return; }
	done
	while read -r name compiler _; do
		command -v "$compiler" >/dev/null || { echo "$packages ($name)"; return; }
	done < <(head_field "$file" build)
	if [ -n "$(head_field "$file" root)" ] && [ "$(id -u)" -ne 0 ]; then
		echo "only root can do that"
	elif [ -n "$(head_field "$file" full)" ] && [ -z "$REAL_FULL" ]; then
		echo "only with --full"
	fi
}

# Compiles what the program wants to have in $REAL_BIN.
build_for()
{
	local file=$1 bin=$2 name command wrong=0
	mkdir -p "$bin"
	while read -r name command; do
		# shellcheck disable=SC2086 # the command's words
		(cd "$REAL_DIR/src" && $command -o "$bin/$name") ||
			{ echo "$name could not be built"; wrong=1; }
	done < <(head_field "$file" build)
	return $wrong
}

# Seconds for one run.
limit_of()
{
	local limit=
	[ -z "$REAL_FULL" ] || limit=$(head_field "$1" full-limit)
	[ -n "$limit" ] || limit=$(head_field "$1" limit)
	echo "${limit:-30}"
}

# Reads result.json: a line "finding KIND MESSAGE" for each, "calls NAME COUNT", "reach HOW".
result_lines()
{
	/usr/bin/python3 - "$1" <<-'EOF'
		import json, sys
		result = json.load(open(sys.argv[1]))
		for name, count in result["calls"].items():
		    print("calls", name, count)
		for how in sorted(set(result["reach"].values())):
		    print("reach", how)
		for finding in result["findings"]:
		    print("finding", finding["kind"], " ".join(finding["message"].split()))
	EOF
}

# Each finding must be of a declared kind; each declared call must have been seen.
judge_result()
{
	local file=$1 result=$2 lines call least n wrong=0 allowed
	[ -s "$result" ] || { echo "ipcjam wrote no result.json"; return 1; }
	[ -n "$(head_field "$file" sees)" ] || { echo "a field sees: was expected"; return 1; }
	lines=$(result_lines "$result") || return 1
	for call in $(head_field "$file" sees); do
		least=1
		[[ $call != *'>='* ]] || least=${call#*>=}
		n=$(sed -n "s/^calls ${call%>=*} //p" <<<"$lines")
		[ "${n:-0}" -ge "$least" ] ||
			{ echo "ipcjam saw ${n:-no} calls of $call"; wrong=1; }
	done
	head_field "$file" reach | while read -r how; do
		grep -q -F -x "reach $how" <<<"$lines" ||
			{ echo "ipcjam did not say: $how"; exit 1; }
	done || wrong=1
	allowed=$(head_field "$file" finds | sed -e 's/:.*//' -e 's/^/finding /' -e 's/$/ /')
	if [ -n "$allowed" ]; then
		lines=$(grep -v -F -e "$allowed" <<<"$lines")
	fi
	if grep '^finding ' <<<"$lines"; then
		wrong=1
	fi
	return $wrong
}

# Findings follow the program's output, so there only the beginning has to be the same.
same_output()
{
	local bare=$1 jammed=$2 has_findings=$3
	if [ "$has_findings" -ne 0 ]; then
		head -c "$(stat -c %s "$bare")" "$jammed" >"$jammed.part"
		jammed=$jammed.part
	fi
	diff -u --label without --label with "$bare" "$jammed" | head -n 20
	return "${PIPESTATUS[0]}"
}

# Prints why the two runs differ; 0 where they do not.
compare_program()
{
	local file=$1 work=$2 limit status_bare status_jammed wrong=0 n_findings=0
	local -x REAL_BIN=$work/bin
	limit=$(limit_of "$file")
	build_for "$file" "$REAL_BIN" 2>&1 || return 1
	timeout -k 5 "$limit" "$file" >"$work/out" 2>"$work/err" </dev/null
	status_bare=$?
	if [ $status_bare -eq 124 ] || [ ! -s "$work/out" ]; then
		echo "without ipcjam: status $status_bare:"
		tail -n 10 "$work/out" "$work/err"
		return 1
	fi
	timeout -k 5 $((limit + 5)) "$ipcjam" run -q --pass-exit \
		--expect-exit=$status_bare --timeout="${limit}s" \
		--json="$work/result.json" --out="$work/ipcjam-out" -- "$file" \
		>"$work/out.jammed" 2>"$work/err.jammed" </dev/null
	status_jammed=$?
	judge_result "$file" "$work/result.json" || wrong=1
	# ipcjam's own words are no part of the program's.
	sed -i '/^ipcjam: /d' "$work/err.jammed"
	if [ -s "$work/result.json" ]; then
		n_findings=$(result_lines "$work/result.json" | grep -c '^finding ')
	fi
	same_output "$work/out" "$work/out.jammed" "$n_findings" || wrong=1
	same_output "$work/err" "$work/err.jammed" 0 || wrong=1
	if [ "$n_findings" -eq 0 ] && [ $status_jammed -ne $status_bare ]; then
		echo "exit status: $status_bare without ipcjam, $status_jammed with it"
		wrong=1
	fi
	return $wrong
}
