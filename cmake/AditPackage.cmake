# What is installed, and the Debian package that `cpack -G DEB` makes of it in the release build's folder.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # installing needs the two programs, not the test world

foreach(program aditd adit)
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endforeach()

set(ADIT_SHIP_SYSTEMD ON CACHE BOOL "install the systemd unit and what belongs to it")
if(ADIT_SHIP_SYSTEMD)
    install(FILES deploy/aditd.service DESTINATION lib/systemd/system)
    install(FILES deploy/adit.tmpfiles DESTINATION lib/tmpfiles.d RENAME adit.conf)
endif()
install(PROGRAMS deploy/forwarding deploy/wireguard-go DESTINATION lib/adit)
install(PROGRAMS scripts/wg-quick-config DESTINATION lib/adit)
set(doc ${CMAKE_INSTALL_DATADIR}/doc/adit)
install(FILES config.example.toml Caddyfile docker-compose.yml DESTINATION ${doc}/examples)

# Debian wants its documents packed, always into the same bytes.
function(adit_packed from name)
    set(packed ${CMAKE_BINARY_DIR}/package/${name}.gz)
    execute_process(COMMAND gzip -9nc ${from} OUTPUT_FILE ${packed} COMMAND_ERROR_IS_FATAL ANY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${from})
    install(FILES ${packed} DESTINATION ${doc})
endfunction()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
adit_packed(${CMAKE_SOURCE_DIR}/README.md README.md)
adit_packed(${CMAKE_SOURCE_DIR}/CHANGELOG.md changelog)
file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md)
foreach(page ${pages})
    get_filename_component(name ${page} NAME)
    adit_packed(${page} ${name})
endforeach()

set(ADIT_MAINTAINER "the adit authors <adit@localhost>" CACHE STRING "who a package says it is from")
set(ADIT_DEBIAN_RELEASE 1)
file(READ LICENSE license)
string(REGEX MATCH "Copyright[^\n]*" ADIT_COPYRIGHT "${license}")
string(REGEX REPLACE "^Copyright \\(c\\) " "" ADIT_COPYRIGHT "${ADIT_COPYRIGHT}")
string(REGEX REPLACE "^.*Copyright[^\n]*\n+" "" ADIT_LICENSE "${license}")
string(REGEX REPLACE "\n+$" "" ADIT_LICENSE "${ADIT_LICENSE}")
string(REGEX REPLACE "\n\n" "\n.\n" ADIT_LICENSE "${ADIT_LICENSE}")
string(REPLACE "\n" "\n " ADIT_LICENSE " ${ADIT_LICENSE}")
configure_file(deploy/debian/copyright ${CMAKE_BINARY_DIR}/package/copyright @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/copyright DESTINATION ${doc})
configure_file(deploy/debian/changelog ${CMAKE_BINARY_DIR}/package/changelog @ONLY)
adit_packed(${CMAKE_BINARY_DIR}/package/changelog changelog.Debian)
install(FILES deploy/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME adit)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME adit)
set(CPACK_PACKAGE_CONTACT "${ADIT_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "sells WireGuard tunnels for Cashu and Lightning payments")
set(CPACK_PACKAGE_DESCRIPTION "aditd publishes an operator's offer on Nostr relays, takes Cashu
tokens or Lightning payments for it, puts the buyer's key on the WireGuard
interface, and takes it off when the time is up. adit is the command line of
operator and buyer.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${ADIT_DEBIAN_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
# nftables is small, and a managed interface is nothing without it.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates, nftables")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "wireguard-tools")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "caddy, wireguard-go")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/deploy/debian/postinst;${CMAKE_SOURCE_DIR}/deploy/debian/prerm;${CMAKE_SOURCE_DIR}/deploy/debian/postrm")
include(CPack)
