# bash completion for orgctl

_orgctl() {
  local rest=${COMP_LINE#*"${COMP_WORDS[0]}"} token typed candidate paths i
  local words=()
  # bash cuts words at = and :, orgctl does not.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    token=${COMP_WORDS[i]}
    if ((i == 1)) || [[ $rest == [[:space:]]* ]]; then
      words+=("$token")
    else
      words[${#words[@]} - 1]+=$token
    fi
    rest=${rest#*"$token"}
  done

  # What stands before the last cut is not to be typed again.
  token=${words[${#words[@]} - 1]}
  typed=
  [[ $token == *[=:]* ]] && typed=${token%"${token##*[=:]}"}

  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    case $candidate in
      :*) paths=${candidate%% *} ;;
      *) COMPREPLY+=("${candidate#"$typed"}") ;;
    esac
  done < <(orgctl __complete "${words[@]}" 2>/dev/null)

  case $paths in
    :files) ;;
    :dirs) compopt +o default -o dirnames 2>/dev/null ;;
    *) compopt +o default 2>/dev/null ;;
  esac
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _orgctl orgctl
