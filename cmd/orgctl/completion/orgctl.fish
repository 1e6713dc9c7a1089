# fish completion for orgctl

function __orgctl_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l word (string replace -r '^["\']' '' -- (commandline -ct))
    set -l lines (orgctl __complete $words "$word" 2>/dev/null)
    test (count $lines) -gt 0; or return
    set -l last $lines[-1]
    set -e lines[-1]
    for line in $lines
        echo $line
    end

    # Paths come behind what of the word is no path.
    set -l typed (string replace -r '^:\w+ ?' '' -- $last)
    set -l path (string sub -s (math (string length -- "$typed") + 1) -- "$word")
    switch $last
        case ':files*'
            for candidate in (__fish_complete_path "$path")
                echo "$typed$candidate"
            end
        case ':dirs*'
            for candidate in (__fish_complete_directories "$path")
                echo "$typed$candidate"
            end
    end
end

complete -c orgctl -e
complete -c orgctl -f -a '(__orgctl_complete)'
