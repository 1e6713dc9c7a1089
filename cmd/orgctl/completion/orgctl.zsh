#compdef orgctl

_orgctl() {
  local -a before lines whole open
  local line name paths typed
  ((CURRENT > 2)) && before=("${(@Q)words[2,CURRENT-1]}")
  lines=("${(@f)$(orgctl __complete "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)}")

  for line in "${(@)lines[1,-2]}"; do
    name=${line%%$'\t'*}
    case $name in
      *[/=]) open+=("${name//:/\\:}:${line#*$'\t'}") ;;
      *) whole+=("${name//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  ((${#whole})) && _describe -t values value whole
  ((${#open})) && _describe -t values value open -S ''

  paths=${lines[-1]%% *}
  typed=${lines[-1]#$paths}
  typed=${typed# }
  [[ -n $typed ]] && compset -P "${(b)typed}"
  case $paths in
    :files) _files ;;
    :dirs) _files -/ ;;
  esac
}

# The first completion loads this file as the function itself; sourced, it only says what it completes.
if [[ $funcstack[1] == _orgctl ]]; then
  _orgctl "$@"
else
  compdef _orgctl orgctl
fi
