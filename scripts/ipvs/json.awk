# Prints each value of a JSON document on a line of its own: path, blank, value. The path of
# {"scenarios": [{"failed": 3}]} is scenarios.0.failed. Strings are printed without their quotes.
{ text = text $0 "\n" }

END {
    at = 1
    value("")
}

function blanks() {
    while (substr(text, at, 1) ~ /[ \t\r\n]/) at++
}

# Steps over a string and returns what is between its quotes, with its escapes.
function string(    rest, from) {
    from = ++at
    while (1) {
        rest = substr(text, at, 1)
        if (rest == "\\") at += 2
        else if (rest == "\"") break
        else at++
    }
    at++
    return substr(text, from, at - 1 - from)
}

function value(path,    first, key, n, dot) {
    blanks()
    dot = path == "" ? "" : path "."
    first = substr(text, at, 1)
    if (first == "{") {
        at++
        blanks()
        while (substr(text, at, 1) != "}") {
            key = string()
            blanks()
            at++
            value(dot key)
            blanks()
            if (substr(text, at, 1) == ",") at++
            blanks()
        }
        at++
    } else if (first == "[") {
        at++
        n = 0
        blanks()
        while (substr(text, at, 1) != "]") {
            value(dot n++)
            blanks()
            if (substr(text, at, 1) == ",") at++
            blanks()
        }
        at++
        print path ".length " n
    } else if (first == "\"") {
        print path " " string()
    } else {
        key = at
        while (substr(text, at, 1) ~ /[-+.0-9a-zA-Z]/) at++
        print path " " substr(text, key, at - key)
    }
}
