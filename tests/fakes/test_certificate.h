// tests/fakes/test_certificate.h - a server's certificate, made anew by each test.
#pragma once

#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>

namespace adit {

/// For one name, signed by itself. Files end with the object.
class TestCertificate {
public:
    /// "localhost", or an address as "IP:127.0.0.1".
    explicit TestCertificate(const std::string& name);
    ~TestCertificate() { std::filesystem::remove_all(folder_); }
    TestCertificate(const TestCertificate&) = delete;
    TestCertificate& operator=(const TestCertificate&) = delete;
    std::string certificate_file() const { return folder_ + "/cert.pem"; }
    std::string key_file() const { return folder_ + "/key.pem"; }

private:
    std::string folder_;
};

inline TestCertificate::TestCertificate(const std::string& name)
{
    std::string pattern = (std::filesystem::temp_directory_path() / "adit-test-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()));
    folder_ = pattern;
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME* const subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("adit test"), -1, -1,
                               0);
    X509_set_issuer_name(cert, subject);
    const std::string alternative = name.starts_with("IP:") ? name : "DNS:" + name;
    for (const auto& [nid, value] :
         {std::pair(NID_subject_alt_name, alternative.c_str()), std::pair(NID_basic_constraints, "critical,CA:TRUE")}) {
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
    std::FILE* file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, cert);
    std::fclose(file);
    file = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

} // namespace adit
