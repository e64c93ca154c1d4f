#!/usr/bin/env bash
# Brings PublicAPI.Unshipped.txt up to date with what the compiler says is public.
# Read the diff before you commit it: each line is a promise to users.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh
case " $* " in
  '  ') ;;
  *' --help '* | *' -h '*) usage ;;
  *) wrong "this script takes no options. Try --help" ;;
esac
for project in src/*/*.csproj; do
  file="$(dirname "$project")/PublicAPI.Unshipped.txt"
  build() { dotnet build "$project" --nologo -p:Strict=true -p:TreatWarningsAsErrors=false -p:WarningLevel=9999 2>/dev/null || true; }
  output=$(touch "$(dirname "$project")/PublicAPI.Shipped.txt"; build)
  mine=$(grep -F "[$(pwd)/$project]" <<<"$output" || true)
  added=$(grep -oP "RS0016: Symbol '\K.*(?=' is not part of the declared public API)" <<<"$mine" | sort -u || true)
  removed=$(grep -oP "RS0017: Symbol '\K.*(?=' is part of the declared API)" <<<"$mine" | sort -u || true)
  [ -n "$removed" ] && { grep -vxFf <(printf '%s\n' "$removed") "$file" >"$file.new" || true; mv "$file.new" "$file"; }
  [ -n "$added" ] && printf '%s\n' "$added" >>"$file"
  { head -1 "$file"; tail -n +2 "$file" | sed '/^$/d' | LC_ALL=C sort -u; } >"$file.new"; mv "$file.new" "$file"
done
git --no-pager diff --stat -- 'src/*/PublicAPI.Unshipped.txt'
