// adit.cpp - the command line: take the words, run the verb.
#include "base/curtains.h"
#include "base/log.h"
#include "cli/verbs.h"
#include "operate/verbs.h"

int main(int argc, char** argv)
{
    adit::close_the_curtains();
    adit::log_to_stderr(adit::LogLevel::off); // what a user should know is said, not logged
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    std::vector<adit::cli::Verb> verbs;
    for (const auto of : {adit::cli::verbs(), adit::operate::verbs()}) verbs.insert(verbs.end(), of.begin(), of.end());
    adit::cli::Terminal terminal;
    return adit::cli::run(words, terminal, verbs);
}
