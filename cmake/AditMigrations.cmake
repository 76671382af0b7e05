# adit_embed_migrations(target directory): directory/NNNN_name.sql become store::embedded_migrations() in one generated source.
function(adit_embed_migrations target directory)
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.sql)
    list(SORT files)
    set(rows "")
    set(expected 1)
    foreach(file ${files})
        get_filename_component(name ${file} NAME_WE)
        if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+$")
            message(FATAL_ERROR "${file}: a migration is called NNNN_name.sql")
        endif()
        string(REGEX REPLACE "^0+" "" version ${CMAKE_MATCH_1})
        if(NOT version EQUAL expected)
            message(FATAL_ERROR "${file}: expected migration number ${expected}")
        endif()
        math(EXPR expected "${expected} + 1")
        file(READ ${file} sql)
        string(APPEND rows "    {${version}, \"${name}\", R\"adit_sql(${sql})adit_sql\"},\n")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    endforeach()
    set(source ${CMAKE_BINARY_DIR}/generated/embedded_migrations.cpp)
    file(GENERATE OUTPUT ${source} CONTENT "// Made by cmake/AditMigrations.cmake from ${directory}/*.sql.
#include \"store/migrations.h\"

namespace adit::store {

namespace {
constexpr Migration kMigrations[]{
${rows}};
} // namespace

std::span<const Migration> embedded_migrations() { return kMigrations; }

} // namespace adit::store
")
    target_sources(${target} PRIVATE ${source})
endfunction()
