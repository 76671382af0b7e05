# adit_embed_files(target function header files...): the repository's own files become operate::<function>(), by name, in
# one generated source, so that what `adit init` writes and what the repository shows are one text. A file that is not
# there is not there.
function(adit_embed_files target function header)
    set(rows "")
    foreach(name ${ARGN})
        set(file ${CMAKE_SOURCE_DIR}/${name})
        if(NOT EXISTS ${file})
            continue()
        endif()
        file(READ ${file} text)
        string(APPEND rows "    {\"${name}\", R\"adit_file(${text})adit_file\"},\n")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    endforeach()
    set(source ${CMAKE_BINARY_DIR}/generated/${function}.cpp)
    file(GENERATE OUTPUT ${source} CONTENT "// Made by cmake/AditEmbed.cmake.
#include \"${header}\"

namespace adit::operate {

namespace {
constexpr RepositoryFile kRepositoryFiles[]{
${rows}};
} // namespace

std::span<const RepositoryFile> ${function}() { return kRepositoryFiles; }

} // namespace adit::operate
")
    target_sources(${target} PRIVATE ${source})
endfunction()
