# adit_embed_config_viewer(target directory): page.html, style.css and viewer.js of the directory, and the QR code
# generator of Debian's node-qrcode-generator, become app::viewer_sources() in one generated source. Byte for byte,
# since the page's policy names the scripts and the style by their hashes.
find_file(ADIT_QRCODE_JS qrcode.js PATHS /usr/share/javascript/qrcode-generator /usr/share/nodejs/qrcode-generator
    NO_DEFAULT_PATH DOC "qrcode.js of the Debian package node-qrcode-generator")
if(NOT ADIT_QRCODE_JS)
    message(FATAL_ERROR "qrcode.js is not there: install node-qrcode-generator (scripts/packages build does)")
endif()

function(adit_embed_config_viewer target directory)
    set(folder ${CMAKE_SOURCE_DIR}/${directory})
    set(members "")
    foreach(file ${folder}/page.html ${folder}/style.css ${folder}/viewer.js ${ADIT_QRCODE_JS})
        file(READ ${file} text)
        get_filename_component(name ${file} NAME)
        # A browser hashes what it has parsed: line ends would be another byte, and these words end a script early.
        if(NOT name STREQUAL "page.html" AND text MATCHES "\r|</script|</style|<!--")
            message(FATAL_ERROR "${file}: can not stand in a page as it is")
        endif()
        string(APPEND members "    R\"adit_page(${text})adit_page\", // ${name}\n")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    endforeach()
    set(source ${CMAKE_BINARY_DIR}/generated/config_viewer_sources.cpp)
    file(GENERATE OUTPUT ${source} CONTENT "// Made by cmake/AditConfigViewer.cmake from ${directory} and qrcode.js.
#include \"app/config_viewer/sources.h\"

namespace adit::app {

namespace {
constexpr ViewerSources kSources{
${members}};
} // namespace

const ViewerSources& viewer_sources() { return kSources; }

} // namespace adit::app
")
    target_sources(${target} PRIVATE ${source})
endfunction()
