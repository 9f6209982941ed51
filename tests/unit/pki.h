/*
 * Throwaway keys and certificates for the tests, made with openssl(1); used nowhere else.  CRT_ROOT (P-384) signs CRT_INTER (RSA 2048),
 * which signs the leaves with rsa_pkcs1_sha256, CRT_KEX with rsa_pss_rsae_sha512; CRT_CNONLY is self-signed by PEM_P256.  CRT_X belongs to
 * PEM_X.  PEM_PSS384 is bound to SHA-384 by its parameters, PEM_P256_SEC1 stands behind EC PARAMETERS; the passwords are "x".
 */
#ifndef PKI_H
#define PKI_H

/* clang-format off */

#define PEM_RSA2048 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDFI3DRO0b3noL9\n" \
    "PrFZVfpFo0t2CwgHdllkIjePtRWu0KeK5MMLr8iWv0DZzQp+qrjwr4TbPf9JmaTT\n" \
    "K2xUT9WdNmrtS31YoiCxo9v6syu9CNU5AEkbjlzCMsKr8InnGq8d/p9gUQzi6uqF\n" \
    "1hWmiqXHT1MA7EA9CDjRS+K84zXurQNQGc6KYI4j1Sgb1/oJqDAjIhCVH34siruK\n" \
    "XK7gGsKNTElKZlTB3CIXEnuIVfaAUK5V+HT++dzmXbQZxjL1Q64r/YnVlek75V11\n" \
    "L5MYZrnDru5aBvu+A8IyXT7Szp4cp304VknhJPpqxrDob5I2p4PtsB0BaheOI2Lc\n" \
    "40zvg9EVAgMBAAECggEAHaYZYxZvs3EfEThbEu0H4W5QPJYnJHwrsJAm3BGni62s\n" \
    "7Qo/vWO4HtfvyHH6iJdjjitPp2uZF/goHmxS9BE3ttfG2B544RotIZpbzMYip2EL\n" \
    "NHHzDNZp4/kfZx2bl+re+Hthe+pkrkIXeH58rhn/Gc031hUyChvQ88VeefsQEu+l\n" \
    "Scg0UreW42jQ0108RrD6GTsoM1rY3BiGLMKXUZj/EI7MJpV+ceoEAZNbrQtzBAjA\n" \
    "8q44GXdIkscbaXd4aEKjAGM2ZBMS6hHk1JfrlOvLP7W2WMlKMRa5GPJnciAeENJi\n" \
    "yeSAUZj+s4jCWizkwPOIq9WSEKtJm9szeBmyvZgLhwKBgQD+17fml0YyFVMF+i5y\n" \
    "C/V7KG41IZ6en8Oix2Gf6+v2MnvByA8UGA5gz5ebaGte/JieUu0S0hyYC7mv8ahp\n" \
    "rzET7yMEzBuIsr66/PUOQO5Da3ag5qmmBoWSpV4jo2Wpt3WvSuJul0McFhQ9y+Ly\n" \
    "KzYxXKG/R84P+VI+oDco9VkXwwKBgQDGCKKTSyprxStJl6REofgIl9FdLz7y7VJA\n" \
    "YCkedGOOvv6wvnAbk5/CaBrwUjjl4zoEd/7HiruU0oumHt+FGjQgX4WHnSWTlNSk\n" \
    "MnjtQY8vGfONIsE2pMF9OxDIjWCqFsVuL1Z52XOHVaITqdxFtzSo+zNGpF4dz2qU\n" \
    "cbr2S+8+RwKBgQC5X8FuAuwU0l4qIupWG0zd4XMJQwNW73AnoFDrO3nRBLfxJc2S\n" \
    "GE2dLmRhr3srBSMfR8Mbxar3DtBro6WV+tIAZhtbCf2dWihTbF31mFW4xRrtv9v3\n" \
    "4RaYraHk2p7A7aq1cAt11qICdC0VJpJXBgfNsEwYD+tcw0eINpLpQE8mcQKBgEnx\n" \
    "uXrUSz+4fKRbCgxSikHzJkrsNE4TDW5aOaBUh0QqzwEB6uxxH+tAYiawHOzB/szi\n" \
    "XXD2vXohb+GUj5OsqCAaasqrg/dqUEgLTJoSq7tDrmxZuNmFhXYUUvz/xUNdg1TU\n" \
    "Oi7/YiL7d6xt9YDWmsQqIAhVoYryAvLw0IXc7rVLAoGABB1VRyrAEyr8Kirw11OZ\n" \
    "/aBKnU93Y/i4ahGW620tC5DnS2ihAtZeF3iNc5O3MO1PrtYN2WjFJ5yRZbqXgT3+\n" \
    "yGMzhSJt2XHhTAx+9VeQPFWq0Je2K9eqxl8qQLPirYtqlvGIUYskdxtGwxbHQNeN\n" \
    "OFTcVmYYSICJZ3jvMitAZ7k=\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_RSA3072 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIG/AIBADANBgkqhkiG9w0BAQEFAASCBuYwggbiAgEAAoIBgQCka4S0fICqEko+\n" \
    "fLJtFY58Crj6o1vC5OERLJVDFJ9lYvAaUP5H6XFzNuBPrxw88k4eZ8KXb9Y60Z9c\n" \
    "zpobW1fBsL6KxA6CUupa0LpAVRB7IaAbSXamI1mWZC5oXEz+HhswPg5z+35cVs1S\n" \
    "6DRTq+aXoaG3Z2SjAix1SOXcAp8RxF7FV5Wgo81DPuBSYKuyBwMCKtlLMsTS2mJi\n" \
    "QpLySKLKvdBZmM3Ik9p90caSlcuaD0AW/hYeCcum+D1BaXUh3j97+xFmdOSxBU07\n" \
    "tI6b3H4W3PywZBY/L50jMzAhC9mlk+Lklwq+JR1UkOkeFbF/IyRfCrcv7rzV4oE7\n" \
    "lOYpdYLzTOtgsIdX9+qGvjrpeaLMQkpAIvImXxlOfLxomC8GfxJh/xAJbtWJSnA9\n" \
    "y6yWKITmPJW1XY65sT3KLf5SjOG8rFRui7NuZawsKa8fEaMXgtjD2xvH/saGx0an\n" \
    "mkCI+gaUqVFP77EB3e+8dZG/uoQN1xtO20aKvlkk1iACbNlPbg8CAwEAAQKCAYAd\n" \
    "uM3xbnw3wjynlRUQARCTvcB4lmU1EvjYiO2mhajWxA7RQwjkaP+4KxhbbzU0kzyp\n" \
    "5GnZxD6+vTwIo9RZ06ZGfjPDk/NnfaOdrROuI3JqP8bYh+wp1kQQmqWE+gJ1AW46\n" \
    "x00HjFPoT0yoiw9CfNWfXXmFVOxtRyxQO1BJ+DNXG99h3xZORq4JVOlqGs2OzhOu\n" \
    "JZ7IKDJKR233gz9bCuRar/tk5ul0M74QdoZl4yw9+jnErkPDRFQLJ96y32RsLeeT\n" \
    "xlGNe0Mn6BT36sAzLs6J6VfIGzZjf4WsNIFz2j4NjPJPdfSkuvJiQXqbR2UeNnMP\n" \
    "RR+AbbntH4FDBwLJk8pq4rZkba/+q48UgnlnMY7YLcTqNgg4EM108nh5G3VYZ0Di\n" \
    "vHcdydp0djX9Du7yX2qbMMoe9aVq6Fk4LS+6mXZXfxcROwiS9ZPIpl5yv73bSbvv\n" \
    "gIujsVdqO4PKUz7x+Uy/U/uVhOz1BSNChi0D/IiH7snt3c0lHMRcYDL+b9T96OkC\n" \
    "gcEA0yjI0UfjVIexX+nsrsjpZX5HBdHg/6KCyuVudGnoGUFW8VG8o0SqI5S/u78b\n" \
    "87K8n3NiHFWZ22lPrnz13z/DiUZxetXtllzlFhKFlk79aF6R17CYSINdlZRxzoql\n" \
    "qI+sfwvX2XhDnnYoLzwIBSGr5CFx+bK5dVCkES7oUpRHakSIAvkpaTTN6ifm20TP\n" \
    "RYKTwV2NQMmdD3aMftYegBhOh21DJpTXocftMPBG5afT9TcbtzdEn7Rg6WFdK5ka\n" \
    "Hb+dAoHBAMdV2kulF/Ba18eofO7kOGLNgTvIXuUOJbIKmohxwgNdl4CQsjQ2D87R\n" \
    "qPfOe6pvfedN44ghOLLUrVYzfnEX5/AP6ckRtzOPAxrZm3zk5FIiqjYe7n17f3Bj\n" \
    "wVn77+zt9y9D0tulZuMkyUsnbFr0HP+GqJFtU353i9wqt1uWprRkalSqNH4cWGhh\n" \
    "h2oFpUYzXqH5lqXe+8tPeS9VnpVVe8rsQXjBodH2aWkRFwfDi4up4GsRQvZtv8Pn\n" \
    "Y1X/u7LymwKBwCuqE1yzcN7Z8GPVC4xZH2pNYoJhlBVIlaM/LkgEXmpaiI/+RvO8\n" \
    "DzKsX7mDG1SZcUfHpFIXoWktrbx3OqCfnt+UIYM1GZwuOXEHA3jBfMVISQBBFDxq\n" \
    "bb+wopgDM55Xl2PuHwRpShJKfKTH1SC6hcD26Yqo2pDXzBWBjakF4H6pDTcQLvAC\n" \
    "a1IwThypbfMBvWwO3Fa5WjEIYqUXwdbbL+HxRiGERdK+dN3Z0c9LlRjv/Fs2oooj\n" \
    "0qZv68RINI5SQQKBwE54LooOwKC+sikH276TGttSOOiW1TxoWFCBOhoyZgS7KDPV\n" \
    "QkGpcomhIVoD78zFPRP8JnDlWxOTA3VmqgTNO2HWcdrUXYEvcDJ2rW36ESOAP+80\n" \
    "OAAvyJguvOO2eNmVR/RUR8Jtl1Ydmhw6tb4MUQoKMXumRPMJDoaqTioA4TksOmt/\n" \
    "4VAvymG02wDSniBHgp5SyYocgJSlgXgvxVDWKPhWDuQBnbkwvog80QseYGWnhw++\n" \
    "6NRnmdD92q31ESe9twKBwDjOucUZ/OPRYSBYK7zajxUopMD02V4BqvuPT4uNiwKm\n" \
    "280TUE9CqM/zAG3th1UirkVP0b14aHWcCk8b6cB9ftW7l9wtBP/r2tXk9JFh0u+o\n" \
    "4cF1EeSxX0Q7kS3cw5+nFP826ehWABVO5XmlbRrmFM9H4j1SctbvspiqRuRWcaZ9\n" \
    "Oz9FixkRWoaewzAcnZJNylgclDZAGgPyIoagmmv4TG0xyMF58GfCE/T1UMJDo+Cq\n" \
    "JEVAuXTT+DkKzeR9DonYqg==\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_RSA4096 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIJQgIBADANBgkqhkiG9w0BAQEFAASCCSwwggkoAgEAAoICAQDjxIn6eCxfT7Io\n" \
    "js/qGSdXC8YjAEUoigK6mBThNS8hWUp4cveMr/CTDe1sSNFrjt/vD4gbJIMwxyGr\n" \
    "uzPuJGNs/y6UP74mHpPKxBHwFBuFd+bmfJwwIuB4Y7f4YuHT9N8RKtN2D0CQLW4o\n" \
    "y7acJ/6ANK6Vm4VY26aACnkBZFwvWvksEa/IL6D/3S6vgStxSPG+0sVzM1fFKni1\n" \
    "YhfNbNwyC62cJ6PUCYiZeLRqilWo/9czzEEFdCZTwifrToCzPNSliZKbczIQOFbt\n" \
    "hQHDutIRflbdpi3RDoncnEAZhUVvtrpxbibTDPKI9axSmd8Zjqxm2KTkPbDEukvE\n" \
    "AupO7vF5NAZGJw9SNtBMye3NFv2dexKi/ewumxXb5NqFA2932d2/J9oc7RTg6uJh\n" \
    "VMHCjX7BqdCONRBY9qTG7/cxDet0kBOw+aAot5RmgGI1d8jFyV0eescd/dCcQuSa\n" \
    "5D/Bxz5QmhtVJZfErSJPIb8hP0Z89yl4w4KKhpOANj+z06aoeF24N4Vw4KEWHxhl\n" \
    "Mj1b0SHz5Jzhk175rq6yeiOktWOiRDEkjBqCsTw8dZXf2DhaSB7NaElX5Wymeqfx\n" \
    "9vhy853R28/hgWnUjoa6V6MMmIgrsDEh0O470ttpqL9H8QuSQIEWL4L14yjchgz5\n" \
    "IYZBI7IzfhlfhBmkUqnDKkCvt9QHtQIDAQABAoICACqRinoh6KUdl34GBuzJK7WU\n" \
    "kUDsZYCInq7yCoD2uCrC7eyqDAMixNMvGK8SwvUXvFmJLRZpkg1VQkE+2RtKeLyf\n" \
    "yrxRV3/3Wgbc8z9L+sLMoH52TpiehBZsCK+nB27eRqyGNQRNIHNx0jNUs3nm7aVX\n" \
    "c0Opz9fGIY2vp2Lvt1zwYz5txc0jvbLkSzvo584h5HCWIun/cAl9ARdhUHKHxHWk\n" \
    "Ahv7up4/8+Q/D3UUCqNtwXJAW+yhgyJHWL+dKeeV2GZh2mEsO/CVHwYARE6pBWbY\n" \
    "lnKRguGeFn0BROegJVSWMa1OeXobYt7fD4hWksBLjoQgPF0d/IIgEVX+d30uIjn6\n" \
    "86ePe762knvfBdRrR6EQLgKfMTipOLe7+Fu1e4cbA5gu1veK3+ANltpsAcndaDhV\n" \
    "2o6U20hAEZCQN81+b7oVr90b/5gEz/np0Uo9QlPKRLSWbH9az1uniKd012bN/wNi\n" \
    "7TXVwfHraJbOkbaIq+okBLUrnk8MpViTLeWKa+IzvYTH0E9bR+UqraG2YX6CKtLs\n" \
    "U2Sz2jXvh+SkCHKyVAILqoIkFgokxIEuk0uyKrmU3/vkPGKyG1KZ4oauRXgVCZNY\n" \
    "cY2Tev8xLhuBrHXmsM+zBh+fqmpieyjNsp/wQXBc2RkwFvlz6SV3/+PRI6WF4Irb\n" \
    "VDlylAAFzX2FX/NOD6K3AoIBAQD97rVMZMqfOeeQVS65AC2vhuVwQiVRlxgRBbhz\n" \
    "IYLHS8MXqJ7zo9mScnaDv2LWUPczXev/e+QHaNpePE2F23h4tIQ4Ig4/VVP8YnZs\n" \
    "TrNPEuTyXP46nFSioCR1L8dyohCOI+eD7QvIxMtQqup2tYFMRe2L9LB9Y/o2Cfy2\n" \
    "8jJ/CAOmOmpFFr1AubFfDDXXq+2AAs3tvE4ZDCn8D+jiJW+SWbEz99S4NGwxJXTP\n" \
    "cIoWwL8iJpM4pgsl6q5tlN/h2oDhzle9c99DZHTsbsm2ypdhcrK4mJ4G6v24hzFS\n" \
    "KrisXDbpfpq5EiGC/xSx6XH73ZOOhbolFQm4KTqGke1LyGBvAoIBAQDln0sl5tAm\n" \
    "8KUg0Hym/pbqFyarFcAK294DCyhXWH1FF9PSGEHWIb58q5EtUo0LcAJUBuHicMRU\n" \
    "B9uvqZF7REcC0TOtQbNWi11taWhb4TcX6UqIYaShkiJiMmegO92q5uYaRVmxbjN6\n" \
    "BfVIRjIH8BLrtwg/Xw/4elUNIH8k86amEABt8spsMgsmBWhCRh/TimFT+AjQvpu0\n" \
    "nPBOkX9tZqH50mWMR0rggthyvqSgX6Z72FQjylxJlOFNNmQyrhaAjaVvaAX/WRtM\n" \
    "IX5zTcTOhKCx0OgtGSkcd8nQ5rLqzVDfcwy/xQQlwqPJ1OPW92N/HBmBo2jeSEcW\n" \
    "1BuwE8dCoeQbAoIBACW5OKXIs3FEIOqIPRCuvhq9Z4htyy17zM96khRIfi0tTCZP\n" \
    "no2DYecnqgOYgw5jqNWwtkaWGSIgqZAmVT31hMgpyRqttIAkJP3xgrZEWs78d5ap\n" \
    "yfrbDpe6QrBGENMu0FbNbq9in8WLtsidG4fXHwY9vTR1fWKjX6B3i1uCT44fmqsv\n" \
    "MmphHmxnKbp9DeKkX/wMbptKxi9iZzpTAr3V4eVT/cdCog9belcywU+v4FPQ/pQM\n" \
    "NwLLaAyR+Ke+3iOnWk4xYUd710cjvVsCemT1Y9fOOk7CHXfZoSewrdsPDbBNYrr9\n" \
    "W+7yipfzXRexHoXUPP+HTkgEABWjylYDh8UiV3ECggEBAOR/X4iX5wrY7Xl5/pEv\n" \
    "R34rC4+0VSZ5JLRipgJFTGM1EtQ+z0UGz0fAcvdm7nQzQh3bu2xaSwRTzYlAdET1\n" \
    "7LQg+guvFYdJp+74taC4vNpOjJyqjek6Qnz1K6mH6U3n95Ks8FRgFVmYFD2XnLHJ\n" \
    "dQqbWNm2/22ETp6BeASNcYhO5B6FPGnuYqmzN8y7e3BGhBPK/vq6srdIdNm6b9Ou\n" \
    "DgFMHUE6sIg5rKqCi9ALXuBepVv4Q131iT4MoijMlBfY3IfAPDedtExOCEc1XGMm\n" \
    "F8La4DAAmah6i5oV+HUvWwsAse8jXr00s0hlUVTZWWljzP30XqbTxeoxqFvPUro7\n" \
    "34ECggEASbTuhEis5PhFyLXDUTBHgYVhCDUmrz5lFeng/emIuGJaA5WJbHYWeO/7\n" \
    "fMak/0HKsLHWugxq3YTxEHvR6iLVct1K5rEsT0zAW0KE3++OrelRQP4xu8Ngu6wZ\n" \
    "sEJcyq1noStIQIUiYu7gL6oHUyeOl9DcFo7TOtF7ke1LoZdnazeA0rsLnHWifxBr\n" \
    "uEfASW50XaDGcJwjQbxzw4N47f5DHJSGI0EpHGbtvO5xxs61rcOg01ItJZirdOwD\n" \
    "1LQWxlRYc6jM9pbh7PSy/RN5TiOZ+Hsji60jAzXkL0rGFC/t8Gq6RAAfXurlqdLc\n" \
    "B8np+vVL5jwm5ADH6j6lFib0+nY3uw==\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_RSA1024 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAJjF8Ky3UcOT/Zrj\n" \
    "4e4zzVtQeRIVuqa/sJo3I5N89S9Bc5wjdK0inUIxXL3EMjmVtlqiIScEjVojwlCM\n" \
    "pas8xRtmNfrWdNBxtS8Zw5Tb8/nzxcC63djDllUaDBkzPhIIyzTwE4VAlgRQtuuA\n" \
    "9VNyhIB8J5No5kWMy9t+R0odGdM5AgMBAAECgYBjNF4F+gC5TNdpBkPHB5J5kncc\n" \
    "HEoZT+7hJZ8PfhxE9G6bXJa+evS9cAp2G/o1VJeWoSOAD7+uYfwjjEFkQdEH6dzk\n" \
    "YKL6Ydh2hhIJDmi0OW1CTGtA3zKcN1wjcwi+03EZS/sWtrN9Kwcdlr65dh3Edmsd\n" \
    "lnVpc8kdjIzlzE89EQJBAMp405EdGsWVotHCuPbdDfIItX1WQOXePRmQK+6UQjTj\n" \
    "ZOW3SFU5ZknuGizi9aeL9++/lsZnJ1DxfaoELHvrxo0CQQDBKYhTwObkVSfR4WEZ\n" \
    "PTA+0pMsdeHIB81Zpi46Z+IaApngdEuuviWR3cD5I+BLEZcfcEtOuak+cTbYTtHa\n" \
    "AfpdAkB7xywH3dQdEKKOO82Z1YAOBDb3ncBlBt0xgIrq+qYS8SUgrlDBESswbSiB\n" \
    "YmqteAsl/Wlud2d4u3mIc67CP1yNAkAgi4Deq6e7XOWipRiZCggw7YXCffIWo8nj\n" \
    "iu5LBOnBfCK1AKMnw/3Mf9Jdp7/IpiQSNfdaQknTrXuSImWVF7Q5AkEAulEsaijN\n" \
    "jp3SmRhlsFTQqJYyV22/5YdMVJgS5rrC3ZUCsNrFvMimaSrQGLUgE8EHGTquUHGt\n" \
    "TpcIEMUdNCWTnA==\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_RSA2049 \
    "-----BEGIN RSA PRIVATE KEY-----\n" \
    "MIIEpQIBAAKCAQEBWAKkZJOdKiThEUUMJ9+ZOO1G36EnEwLoV4eDTYWXlN+eB0VP\n" \
    "OiEZr0IEoK+UZWdH0YxWXYgbv26vE8wBwCZIaOyVVbSjzNR5G1Jw3NkiLSlReKrE\n" \
    "J/X6MtjkWBvOmuegW6tsVMIzRiuuBJHotccsmSOH2gPOCZtoT6KaqrZdygavYxa9\n" \
    "RDwPgkYVq2SyR1x0Yycvmiqpvl3faB2nZL0QPw4n/zCtm7Q63ui6RX/bs5Z7Uopj\n" \
    "iKVRLqxVrzW8u6Iqjwe+BJFlzZBpufKXrBCMTxHZyijn1wdkzr/vWUWPM6t9Ws1K\n" \
    "LMzIeOwCnBAoG5j6LATPlADEe9Ef62Ge0q5JLwIDAQABAoIBAQCLXm6pjKA0rcI9\n" \
    "E+Mr2EukI4T+HrTM3/WvWGhapM/XcYz9VxgU7coRFcb4LooJVwFipN9sfzL2qGnn\n" \
    "tFPVO+1EDO0nTsq5ti7mYcz1vEY7U6z9HPnhUqctqG9CPunCGir+WIHICPFq8VFL\n" \
    "6q0D0BCCbkGgksALZlmpQbA1jzKKIH/TdxFIrFC8cBjqFNfumkj9OI2usU2RtqK/\n" \
    "Fg8aYQgJ9k612DblYRfP25v9POux3AwIH1y32WBaBAWvsDP8q+xkCPQ5WDv7qO4u\n" \
    "DxJfWJ+WTmzZIr8G2lpYyTinOSaSsA/BBYIApq3N/mu3wY8SFmchs4Fesn+Z6pOp\n" \
    "Bmd3vXDxAoGBAfH1nBc6WXBvDPw/nx2Jpm1EI4c2pbkOsFgZ1TheK1x1AAaL8n5i\n" \
    "6xBICe/GAwdAZWxSytzZWQfyEzdDMlm3SUrX6Al/99TRcS2d3EgV+Z7Zn4LcZrVZ\n" \
    "F2/F58UZtlsaL7H3aOVXHnK23N0Xwbi4Jj19Oyff31r5DfyV087xiSeHAoGBALDa\n" \
    "5UBAnbeMZLcrSiVzazEipN61WX3aHAnltaoAHhLUKodrrL/uIRkSFDyye+yYX3wp\n" \
    "flHsNFfvzCL3TM/4hHu19DBpmS1xltLobIEuBoIZB5ftseuXAJ3GVGLSe70Xk/jP\n" \
    "YMcpE4CSJZOCTtAUfxOS6DWXOcE/U11N/oA6HGsZAoGBARZy+CjI+RB1GLbJQMl8\n" \
    "mnLJQnCurzbvLs7lCyTtC6Q0zKHcieoAmF9PWTcZ68GXUd+j4Epkw3M8+1/QlIw0\n" \
    "gKh4WQlO5J+9ymLuvioVF7OrD5ZWdpx7yC45ZWQC/8SrvPXwWli8QYt2E8USLsKD\n" \
    "PubtazHd7wDo+dg/U+SJjd9rAoGAB2Qunp/Ut54be3hIsgX/3d7XyyMDKXpbH6LF\n" \
    "E+TLXPgXCu/aGW9nXLfftqWy/jFkFDlbuSrJCT/RZUi2oh590vnIydkv+LE9n3Tt\n" \
    "S/zTcs5+/b+GZxU5hl6KmlK3rzB0E7r/DXPPB9mTznVsu8+PfA7wu4SlekkeP9EJ\n" \
    "qOxE0ckCgYEA4mW8KCcbQSLa8PU2BpRCtdzWZ5px5OdQ08/6OtAfPRMgCZlLt6Hv\n" \
    "GPM2dpmse6C8xP3G/33uCAIbpjAd2oVTsLIc7UkazoVEohlPsBOwe3ODQ7xbFoB7\n" \
    "Z0jfmFpJydrGLzcyObjfP2fACdzZjKE6Ev0bnSRC4OVM5PZdg1fbsAo=\n" \
    "-----END RSA PRIVATE KEY-----\n"

#define PEM_RSA2048_PKCS1 \
    "-----BEGIN RSA PRIVATE KEY-----\n" \
    "MIIEowIBAAKCAQEAxSNw0TtG956C/T6xWVX6RaNLdgsIB3ZZZCI3j7UVrtCniuTD\n" \
    "C6/Ilr9A2c0Kfqq48K+E2z3/SZmk0ytsVE/VnTZq7Ut9WKIgsaPb+rMrvQjVOQBJ\n" \
    "G45cwjLCq/CJ5xqvHf6fYFEM4urqhdYVpoqlx09TAOxAPQg40UvivOM17q0DUBnO\n" \
    "imCOI9UoG9f6CagwIyIQlR9+LIq7ilyu4BrCjUxJSmZUwdwiFxJ7iFX2gFCuVfh0\n" \
    "/vnc5l20GcYy9UOuK/2J1ZXpO+VddS+TGGa5w67uWgb7vgPCMl0+0s6eHKd9OFZJ\n" \
    "4ST6asaw6G+SNqeD7bAdAWoXjiNi3ONM74PRFQIDAQABAoIBAB2mGWMWb7NxHxE4\n" \
    "WxLtB+FuUDyWJyR8K7CQJtwRp4utrO0KP71juB7X78hx+oiXY44rT6drmRf4KB5s\n" \
    "UvQRN7bXxtgeeOEaLSGaW8zGIqdhCzRx8wzWaeP5H2cdm5fq3vh7YXvqZK5CF3h+\n" \
    "fK4Z/xnNN9YVMgob0PPFXnn7EBLvpUnINFK3luNo0NNdPEaw+hk7KDNa2NwYhizC\n" \
    "l1GY/xCOzCaVfnHqBAGTW60LcwQIwPKuOBl3SJLHG2l3eGhCowBjNmQTEuoR5NSX\n" \
    "65Tryz+1tljJSjEWuRjyZ3IgHhDSYsnkgFGY/rOIwlos5MDziKvVkhCrSZvbM3gZ\n" \
    "sr2YC4cCgYEA/te35pdGMhVTBfoucgv1eyhuNSGenp/Dosdhn+vr9jJ7wcgPFBgO\n" \
    "YM+Xm2hrXvyYnlLtEtIcmAu5r/Goaa8xE+8jBMwbiLK+uvz1DkDuQ2t2oOappgaF\n" \
    "kqVeI6Nlqbd1r0ribpdDHBYUPcvi8is2MVyhv0fOD/lSPqA3KPVZF8MCgYEAxgii\n" \
    "k0sqa8UrSZekRKH4CJfRXS8+8u1SQGApHnRjjr7+sL5wG5Ofwmga8FI45eM6BHf+\n" \
    "x4q7lNKLph7fhRo0IF+Fh50lk5TUpDJ47UGPLxnzjSLBNqTBfTsQyI1gqhbFbi9W\n" \
    "edlzh1WiE6ncRbc0qPszRqReHc9qlHG69kvvPkcCgYEAuV/BbgLsFNJeKiLqVhtM\n" \
    "3eFzCUMDVu9wJ6BQ6zt50QS38SXNkhhNnS5kYa97KwUjH0fDG8Wq9w7Qa6OllfrS\n" \
    "AGYbWwn9nVooU2xd9ZhVuMUa7b/b9+EWmK2h5NqewO2qtXALddaiAnQtFSaSVwYH\n" \
    "zbBMGA/rXMNHiDaS6UBPJnECgYBJ8bl61Es/uHykWwoMUopB8yZK7DROEw1uWjmg\n" \
    "VIdEKs8BAerscR/rQGImsBzswf7M4l1w9r16IW/hlI+TrKggGmrKq4P3alBIC0ya\n" \
    "Equ7Q65sWbjZhYV2FFL8/8VDXYNU1Dou/2Ii+3esbfWA1prEKiAIVaGK8gLy8NCF\n" \
    "3O61SwKBgAQdVUcqwBMq/Coq8NdTmf2gSp1Pd2P4uGoRluttLQuQ50tooQLWXhd4\n" \
    "jXOTtzDtT67WDdloxSeckWW6l4E9/shjM4Uibdlx4UwMfvVXkDxVqtCXtivXqsZf\n" \
    "KkCz4q2LapbxiFGLJHcbRsMWx0DXjThU3FZmGEiAiWd47zIrQGe5\n" \
    "-----END RSA PRIVATE KEY-----\n"

#define PEM_PSS \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIEvAIBADALBgkqhkiG9w0BAQoEggSoMIIEpAIBAAKCAQEAvOb75hdpYvWJNhGV\n" \
    "Vk4LP9r/HyvmEtHuZlqXD1VUGAXyIHayrEtelXY64swotvFAsV2oYJPqF1/7ZNyh\n" \
    "wEzS90zX3S+F7w0mPmBrV3Tp2r58+Zf3ej+0P/Tt99aaWaD0aqq0Ky0QQ3oxEqw3\n" \
    "oW76wIsObQyoR/RdWDMqMm+u0d7FlJq0yho12kAKayYwp6dnzcgQp2G+fm7HCydh\n" \
    "My4rcO79AzEeZ2njJlBc60f6dejH4ZU+PU8IdZ9eQOA4dYJXLpDSX4g192VOcQHH\n" \
    "UOB0F9UctEh0kQJ22tj/0yKaRF9ByMLnyl8KLDHlZi/F+YNOuoCHDxVcdbDZJ4CU\n" \
    "bbwvDQIDAQABAoIBAAiET/GNA9757wvIn/dzx77c4tYtWbXNHUO9uREJ6da2pFBu\n" \
    "YzPj2gnaRy4xwj9gggHJ+6BCSv87mc88W1abBoMvEo4SAtnguX6w3jLjpIxZb+al\n" \
    "wWF6Cc7WyvvhNk65zdgZUv8EJlDEhTEWu3nEOGE1MJtRQy0RvKIQL7DcDc4mE/MS\n" \
    "PfRuUK+IoX56mp5jKNY5yebLM6vTp2bn21kheCPH7R8pw6/7rzVH7r0gHc7vrl4w\n" \
    "93LBuRtAnKVf5W0MI3q4Uqh3p6qq6u924wtzWkE19Iq0i4Cxvhuhn9qXWpm4l4wj\n" \
    "+UL4ma0VEU0djmZHEHu8tYzZmz/gv2vU2AcE3QkCgYEA+EAbpQZtG1SIdUaBcc5B\n" \
    "6M7WIzJgmh9tk+cW8JDlRQxIW0+1A2ee2H7HWJIi61EDquYFI3DWaqrvNjSVlWeI\n" \
    "OxE86og+QlnDWDOI+dOrBbHmg0QLxhOh81d2LYRGh5tWIPf+MGUXXygefu+XFUMp\n" \
    "NCJH4fUOsddAc5tPG2KetFsCgYEAwsyYeqchn16vWXlm/5GtyQngal/NvgxgDJ/z\n" \
    "08RZfmwhefX7LsZRyGnahmNLRcYfL8/ICQKAZBweRAQinBxub/DqpDqedvd6dFF7\n" \
    "xgsoZEO+WIGTGCahY3n7oKDI1v6Q5wQZmtO0SqHDWPdn5xnk7+YgnwF+ZHx6F3QM\n" \
    "0c7XZrcCgYEArzYYDNZHRYXZNeSIUfmAXT82terFcaIC5eOxNiMeHii4HPJZ0Mhe\n" \
    "vXBlZCboTGuGiiUEtWnbe7efVAOzG5rR9NaKxwFX596Q1/yvjZwOVduk1Tq+kJOk\n" \
    "tyogt6lnWiiRln1Rw3hmEXwwYejaGmCngSs8zsb2EyDYVX/lSm/FkYcCgYAq1OWq\n" \
    "AlmoOx9/Iux8wUFe9Ob9PLd2VC5CWGE6bO/olkn+ERH7xOtyj6PW7Lo+S0PMNXmc\n" \
    "UYp9eJlHB0m83ZuCzYwqNCFnsx6fuNLoRsfI1ARkXYlERCo0PzwOo4vFig++W+5t\n" \
    "VqNLzamwRCX6cH0gKo99psxtt9j4kzHGaB6AnQKBgQCm/1EFJRWFFKYxjJsM2E1A\n" \
    "XF6U/4NzzrlB33ebTEnX3Tqww8Q/biBlxNDJfp7h5f8v0UfxbQ8IloU51hNLgHFF\n" \
    "0A/2hKsbYU5WMTX0mConUUd0haiRwsoKCUUxSR72Ri6dHCaFdspOYOr1l8tDgQqU\n" \
    "MGZjAqwVI4RUmmHfm2fIJw==\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_PSS384 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIE8QIBADBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAgUAoRwwGgYJKoZI\n" \
    "hvcNAQEIMA0GCWCGSAFlAwQCAgUAogMCATAEggSnMIIEowIBAAKCAQEAnYqrSDFd\n" \
    "N1kU3uT8vigdWpKngLPYr1SZEFp/IWIv79/MQKKpee5feg079vdjgBBLjBHJUulG\n" \
    "OkWhHrRhgczS9w/axaQsHrccNrxHpa8GA+hxcF7XnTELiTSroadB7cyz6uWJkwu6\n" \
    "e/OiDp7U4p1q+Wn4y2IlOaQ+6raXWtidu3DGUxRuBCIVScJbrb6km+z5ucmfqGXu\n" \
    "037XG5Xt7IQ4vZO/7Hfegt59ht2Xz27cCDjaGa0e3opcjlzWyI5eFavue+uQS+Qw\n" \
    "uFbJ8UNGPMUxR8hZpUK9LkDzKu5/SJFObp/Pvph0zvXWEKVOcm+W282Si+pfNdem\n" \
    "tS/rxfldIL5TvwIDAQABAoIBAAJqI5C+/h7/DGqbVYVMIQrPwGHzqwISHWWF1CXv\n" \
    "i47mHCkzVQnhJiIuLJINKRn0rYLObze87PmvqtBJMR/ALKBMTazrOV0vJ2fIxcul\n" \
    "AXNNaa3OhlO33APB3ugIUPGp/vFcXwr17Dwj/5H8JipyEKD3LTDJTE7hY+0BukCd\n" \
    "uzSxpQlJ1zSgJ8C5oa7FvsIRixAquZeN/cOU+qOVCJUMHOMVJhwe0IQRbaVtKoHG\n" \
    "8CRuWp6HV5z04ldgL5EiDE78QNXPxgTCH2BYm03WnlTerBO52bBrW3FnWX+t9bkV\n" \
    "T2p+b4hiKr69GKZtwqmhzHarT7tcDen0tYj7k8Yvg3ZlWyECgYEA2iRaPlJ3mHMz\n" \
    "mc6gTow5K0OpbMzfZiXCRiuiDifVZFrXJZ/Dhc28qydfk5CuPiptC/4mP5ULX1x8\n" \
    "k+jKk2jN0xuUm/Kw17PqUoHWj/sS8Qs+2bBvhoPmhtwH8PF9wuOFSWgjhpcmQ7V1\n" \
    "m27WlAbdCq9bIUTFZ/3Op6gWjR/QwWMCgYEAuOH0pfr9JVyIBukoriQDsbiX7Lbu\n" \
    "im/AQf9T5lBoxlGMBnTyXs8kYhtAoIyU1Mb417eZ74Wi6I9SDHKSnGrCsAxpDEJ/\n" \
    "O10t8y8hK4DED0qtig1TKJ580vrI3+ZI2UA2X2uNQmvIaVb5VKkcC4cZed47rtPM\n" \
    "ZJqsCD1uLRDZwPUCgYABHyi7o07sIMOGKfLXFI+CsnFfltobO1x5YeYObpQBVRpA\n" \
    "HkcyG/G5a5VpO9g5h5xR8Hef4hNR5Tbax9qq0WIlkMG934ybP1iYHgTNbrwVMzqa\n" \
    "gfbA2VLJJL6Btaww4VyhGQD9wy82L+uv5e0Ci9p9IJO2YxUkyMBUSl/7T8uSAwKB\n" \
    "gEmihQQOgQB+aBcIihFBes8vzCKVgVBVzeb7QHk8kV5bYD+6GEY2jjEc1ZKcKzLL\n" \
    "xJR2JbNGMGobmvwmLcpqovvnFXeyjGYiaIiwvq9K68uDXLbdM7+7z89f3t1+JImS\n" \
    "j5VVir9nmjyKTWewquDUgAsPvgmVhZSUHexyOw1r5q55AoGBAM40tlnFphXogJkH\n" \
    "U4Gtdr3HMD/nN6W8/ywNHAM+tBQzdquvbgtisX+12BJyQ7d47F88ddNIQTCzEmSN\n" \
    "S0RbQnslOmJrm9TCl/8EXGphZPZeKefrwSqVOFBFqblflDQGLx8u+OcrDYZmStf1\n" \
    "uestsMxr75FYDToDTT4fnLGmOvg9\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_P256 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcwmCrGPz2roIk6vp\n" \
    "NDgJrKQYshg76i1ozyCwBYxYZuOhRANCAAThX2a45i8snrWMQ89oTsGgVS1UhlPx\n" \
    "muGSsfLhziodxy1Wns+NZMWkQHHLlhvngFunjvXBgVTDO2vTrmjb/3ME\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_P384 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDD1Xu4RR185VoJKye/T\n" \
    "JKVPZkebpYOalvAxi5120aCkf3juC7DjB1pRez758eePRPuhZANiAARfMJPrhSjY\n" \
    "+5cpeBH1OCOjzqljtNVhHiBvjrFi+lnjDOSe2TmYdSfibPH/pAUOJPyuoSgtNIpq\n" \
    "9VoHHC4e4X2hydTDypl4SPXIvZgRoxrp9kCJWcxeufVXpe4W3CqF08E=\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_P521 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBi2CR6VS+MIKPsSgf\n" \
    "F0FHJ6EL1YiEP395Ta+S9qephpHg40P5x5fQya29blXRZcNnG4wv6yGMMbBoNSdX\n" \
    "Bs+pL2OhgYkDgYYABAEn8HiwN0OiW39sI+mh3wr293jhkTGpDeKVt3XaLWMPz4f/\n" \
    "XC3shLVPNAL9kWYQdF3yq1wTgct2prLxXkNq2rmHdwDuxHg9GpdmdVvtQXruidDn\n" \
    "zxtEdtABn4gHoChRhIk56XpoORClyvye6Fafs9r3j04S0mrLQvlP7a2tXKlcSXNG\n" \
    "yQ==\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_ED25519 \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MC4CAQAwBQYDK2VwBCIEIPSKPyPsxKA3VAw5LiJ9B2Mv0j9wOL6rlBdOalfTfN3i\n" \
    "-----END PRIVATE KEY-----\n"

#define PEM_P256_SEC1 \
    "-----BEGIN EC PARAMETERS-----\n" \
    "BggqhkjOPQMBBw==\n" \
    "-----END EC PARAMETERS-----\n" \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MHcCAQEEIIYOqOCrswSGuZBD9GIQavQLyTu0Yk+Ajq0PDT1vsrtOoAoGCCqGSM49\n" \
    "AwEHoUQDQgAEE7rxuDJLS6id6BLPXYTlSIWkl4RcCieSE+MZrvRah5eBgHfqMosZ\n" \
    "R8esTIRuRLAQUdDzYHzHSYGkb8HFhSnouQ==\n" \
    "-----END EC PRIVATE KEY-----\n"

#define PEM_P384_SEC1 \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MIGkAgEBBDD1Xu4RR185VoJKye/TJKVPZkebpYOalvAxi5120aCkf3juC7DjB1pR\n" \
    "ez758eePRPugBwYFK4EEACKhZANiAARfMJPrhSjY+5cpeBH1OCOjzqljtNVhHiBv\n" \
    "jrFi+lnjDOSe2TmYdSfibPH/pAUOJPyuoSgtNIpq9VoHHC4e4X2hydTDypl4SPXI\n" \
    "vZgRoxrp9kCJWcxeufVXpe4W3CqF08E=\n" \
    "-----END EC PRIVATE KEY-----\n"

#define PEM_P256_COMPRESSED \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MFcCAQEEIHMJgqxj89q6CJOr6TQ4CaykGLIYO+otaM8gsAWMWGbjoAoGCCqGSM49\n" \
    "AwEHoSQDIgAC4V9muOYvLJ61jEPPaE7BoFUtVIZT8ZrhkrHy4c4qHcc=\n" \
    "-----END EC PRIVATE KEY-----\n"

#define PEM_P256_EXPLICIT \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MIIBaAIBAQQgW8eJmkkeseuUrbr/W0WvOZxyhuWcUXZv5tYdDdzdstqggfowgfcC\n" \
    "AQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////\n" \
    "MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57Pr\n" \
    "vVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEE\n" \
    "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54W\n" \
    "K84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8\n" \
    "YyVRAgEBoUQDQgAE8zYzSA5Yz9PkcTZgJeBLa2D5VI2tYn1ky8cN5ph2ysyL6Ztv\n" \
    "Lom+r+CZ+0k16w7QvU6q0Ib/A2I+w1f/vtB3rA==\n" \
    "-----END EC PRIVATE KEY-----\n"

#define PEM_P256_ENCRYPTED \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" \
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg5328NYAVgJgICCAAw\n" \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHEMZ6AihWi2n81gFL8nEvwEgZD4\n" \
    "jF7YMNuUFlkH/tMmvZ5RhlwCUZnZhOD8Dlm0DYvle6fMeeugjzhFrcDWBGYOtfh+\n" \
    "fPgiktYe1OKsQBxfjSeZI74wb83hMAu+0KhnocP9v3iATOHexxuvKqnu9j1bkXNN\n" \
    "oAtCQHXfEEBNDj+pFfEiuLExDUtqbYWJ8JDYwOR1u/NJHywbeZwKJQCSDSxZ5fA=\n" \
    "-----END ENCRYPTED PRIVATE KEY-----\n"

#define PEM_P256_ENCRYPTED_OLD \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "Proc-Type: 4,ENCRYPTED\n" \
    "DEK-Info: AES-128-CBC,161E933C31C9F603380F68089106E147\n" \
    "\n" \
    "FJQ8QAWROrFT2tIIO3fCZI04FejxnEKcoef4eAKZbuthnJ58KPfZZpekKz/4wWZ/\n" \
    "A/WsVkBa3lzA0ONm2V1VCZr/08SALycq/qhXCBqjVMq8zr/yjQX5cmlYeuKn2Nf9\n" \
    "QRj1e82IpcS+f0bfhpemCPQG4d2bc2p6am/15breloc=\n" \
    "-----END EC PRIVATE KEY-----\n"

#define CRT_ROOT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBrDCCATGgAwIBAgIUV4QBgmVdN1mYc3kBvW308l4aRg4wCgYIKoZIzj0EAwMw\n" \
    "FDESMBAGA1UEAwwJVGVzdCBSb290MCAXDTI2MTEyMzA5MzQ1MVoYDzIxMjYxMDMw\n" \
    "MDkzNDUxWjAUMRIwEAYDVQQDDAlUZXN0IFJvb3QwdjAQBgcqhkjOPQIBBgUrgQQA\n" \
    "IgNiAARfMJPrhSjY+5cpeBH1OCOjzqljtNVhHiBvjrFi+lnjDOSe2TmYdSfibPH/\n" \
    "pAUOJPyuoSgtNIpq9VoHHC4e4X2hydTDypl4SPXIvZgRoxrp9kCJWcxeufVXpe4W\n" \
    "3CqF08GjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1Ud\n" \
    "DgQWBBThmzPFlkFy5ysPHQfV60fai5EicTAKBggqhkjOPQQDAwNpADBmAjEAxCz5\n" \
    "/dhWKgIV/mH3rfFfKhqp4U4Zn7jF0xjl/PGRLPX6kWbntJnz0NZLTWH4z2XeAjEA\n" \
    "zuMhQWb3sPxI5l7ofXuxxwRsjIr7F03MgmWbU2ggfb3HUD95WudZY7ytOEkJzmVQ\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_INTER \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIICbjCCAfWgAwIBAgIBAjAKBggqhkjOPQQDAzAUMRIwEAYDVQQDDAlUZXN0IFJv\n" \
    "b3QwIBcNMjYxMTIzMDkzNDUxWhgPMjEyNjEwMzAwOTM0NTFaMBwxGjAYBgNVBAMM\n" \
    "EVRlc3QgSW50ZXJtZWRpYXRlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC\n" \
    "AQEAxSNw0TtG956C/T6xWVX6RaNLdgsIB3ZZZCI3j7UVrtCniuTDC6/Ilr9A2c0K\n" \
    "fqq48K+E2z3/SZmk0ytsVE/VnTZq7Ut9WKIgsaPb+rMrvQjVOQBJG45cwjLCq/CJ\n" \
    "5xqvHf6fYFEM4urqhdYVpoqlx09TAOxAPQg40UvivOM17q0DUBnOimCOI9UoG9f6\n" \
    "CagwIyIQlR9+LIq7ilyu4BrCjUxJSmZUwdwiFxJ7iFX2gFCuVfh0/vnc5l20GcYy\n" \
    "9UOuK/2J1ZXpO+VddS+TGGa5w67uWgb7vgPCMl0+0s6eHKd9OFZJ4ST6asaw6G+S\n" \
    "NqeD7bAdAWoXjiNi3ONM74PRFQIDAQABo2MwYTAPBgNVHRMBAf8EBTADAQH/MA4G\n" \
    "A1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQUtCqzHUaYAMoNDsUBb4PXuQ3AcTwwHwYD\n" \
    "VR0jBBgwFoAU4ZszxZZBcucrDx0H1etH2ouRInEwCgYIKoZIzj0EAwMDZwAwZAIw\n" \
    "aVUVU7rshnBdH5iz8b0i7JRNWxPFLbyj57a0oGEtU/y+aC7OAH6PUlPX8cnY6mli\n" \
    "AjAUCdxM6MN6Ut9a9fpVOsvYEr58IOTXG4so/QzrB1QndX2GPu8rcYtuvW22LDmG\n" \
    "oDE=\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_P256 \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIICuDCCAaCgAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDBZMBMGByqGSM49AgEG\n" \
    "CCqGSM49AwEHA0IABOFfZrjmLyyetYxDz2hOwaBVLVSGU/Ga4ZKx8uHOKh3HLVae\n" \
    "z41kxaRAccuWG+eAW6eO9cGBVMM7a9OuaNv/cwSjgcgwgcUwDAYDVR0TAQH/BAIw\n" \
    "ADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwEwUAYDVR0RBEkw\n" \
    "R4IPV1dXLkV4YW1wbGUuT1JHgg0qLmV4YW1wbGUub3JngghiYWQgbmFtZYIMZXhh\n" \
    "bXBsZS5vcmcuhwTAAAIBhgd1cm46YTpiMB0GA1UdDgQWBBS66xEFCR1YwMHZradF\n" \
    "vj9FvDUrqDAfBgNVHSMEGDAWgBS0KrMdRpgAyg0OxQFvg9e5DcBxPDANBgkqhkiG\n" \
    "9w0BAQsFAAOCAQEAgrONEOAMJ5GnvcVnvOp10AC5up5GB/aFiCaUvqKXlnPwRWZW\n" \
    "ZqIxIbVMQFT6riU168YndYAt2TMRPanzkRVrm+wtR6bzDBvmCdcGaL57uR+7A/7f\n" \
    "2rn6dja4b1rCdsarSWhPN/HahogXGlgcWxvwJbA6b7ZGsbtwqwcV5JGa2Rxg6lrr\n" \
    "+ECIOesEV0G5EsTLWYK9RPWU5r43rdFbDbGSrWEdclL0OIETzoA0m5xdQc6L4RoY\n" \
    "ngNl9HGCbN1my7eYP6qOORpzfIQUmMy6j5QwUD9FC+jIwG8Wa2C6zTiwurjvjbQ/\n" \
    "sG+wlgNrZE5TU2Tyzelb4T593e1PijKA8iP1eA==\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_P384 \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIC1TCCAb2gAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDB2MBAGByqGSM49AgEG\n" \
    "BSuBBAAiA2IABF8wk+uFKNj7lyl4EfU4I6POqWO01WEeIG+OsWL6WeMM5J7ZOZh1\n" \
    "J+Js8f+kBQ4k/K6hKC00imr1WgccLh7hfaHJ1MPKmXhI9ci9mBGjGun2QIlZzF65\n" \
    "9Vel7hbcKoXTwaOByDCBxTAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDAT\n" \
    "BgNVHSUEDDAKBggrBgEFBQcDATBQBgNVHREESTBHgg9XV1cuRXhhbXBsZS5PUkeC\n" \
    "DSouZXhhbXBsZS5vcmeCCGJhZCBuYW1lggxleGFtcGxlLm9yZy6HBMAAAgGGB3Vy\n" \
    "bjphOmIwHQYDVR0OBBYEFOGbM8WWQXLnKw8dB9XrR9qLkSJxMB8GA1UdIwQYMBaA\n" \
    "FLQqsx1GmADKDQ7FAW+D17kNwHE8MA0GCSqGSIb3DQEBCwUAA4IBAQBRz4Zrxp2d\n" \
    "9wAdOHsShBfUZm3vLDoZzOKRoLn8+jxeU1VMxKs55GnI71g2Few+rrEMvCcXcYdC\n" \
    "elJ2MThSKTeTWBU8r9Mc/PZd4ywk7DKJeXSqs6aGLJth7I8HhETJt9UOtlmbY13w\n" \
    "Pyax++m4JYuE1BUW2YYG4aj+G7ArBUxAPh5dgmj2TDpDXoufVKcS/vvNiXVcZJ1t\n" \
    "RLpuGO3sKx9ao79jH8T3PaJTFFaqO23KaY6gkESeEpn3rLIkT5uPWIoIdRoDBjQ0\n" \
    "lRX3Y7QvgyJxoxJ5ndWimhDsVMjqlX/Fg4V6y2u6hVRB36GRzuZbDeNrnWt5cSAt\n" \
    "uNCl83r98Nau\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_RSA2048 \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIDYjCCAkqgAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDCCASIwDQYJKoZIhvcN\n" \
    "AQEBBQADggEPADCCAQoCggEBAMUjcNE7Rveegv0+sVlV+kWjS3YLCAd2WWQiN4+1\n" \
    "Fa7Qp4rkwwuvyJa/QNnNCn6quPCvhNs9/0mZpNMrbFRP1Z02au1LfViiILGj2/qz\n" \
    "K70I1TkASRuOXMIywqvwiecarx3+n2BRDOLq6oXWFaaKpcdPUwDsQD0IONFL4rzj\n" \
    "Ne6tA1AZzopgjiPVKBvX+gmoMCMiEJUffiyKu4pcruAawo1MSUpmVMHcIhcSe4hV\n" \
    "9oBQrlX4dP753OZdtBnGMvVDriv9idWV6TvlXXUvkxhmucOu7loG+74DwjJdPtLO\n" \
    "nhynfThWSeEk+mrGsOhvkjang+2wHQFqF44jYtzjTO+D0RUCAwEAAaOBpzCBpDAM\n" \
    "BgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcD\n" \
    "ATBQBgNVHREESTBHgg9XV1cuRXhhbXBsZS5PUkeCDSouZXhhbXBsZS5vcmeCCGJh\n" \
    "ZCBuYW1lggxleGFtcGxlLm9yZy6HBMAAAgGGB3VybjphOmIwHQYDVR0OBBYEFLQq\n" \
    "sx1GmADKDQ7FAW+D17kNwHE8MA0GCSqGSIb3DQEBCwUAA4IBAQC8ayMuk+RiFAU1\n" \
    "L/AzJjLFtZb/ao2L2romV8NZ4hTdR8o7dv9P5hkd7uTovj2LIXG8MHZgoesSoX0m\n" \
    "8s7g7ip1oID6c92ORTIPwYt7G7BYiDyVuR9FpOZxF8gWW6RdLgxCOO0dnkWC730g\n" \
    "iFAhv+gcfL6mbC18pI6R2PrJf3l881v78WJzUAYP7qaiyNAJffemIvs36AYN5Ymt\n" \
    "Ut6naTpKvQgTfBiSVl2gzk2y4dxis7LBSR8WV2tAm0BqUy/0T9PFILHAgK+HfQqT\n" \
    "oAILWJ+VvsZXGsdgqGOAFCbHdXTkCjKXtl1tSqFikzxa4pYno8Xqz7XoJqIYwTnQ\n" \
    "ptaUjDpK\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_RSA4096 \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIEgzCCA2ugAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDCCAiIwDQYJKoZIhvcN\n" \
    "AQEBBQADggIPADCCAgoCggIBAOPEifp4LF9PsiiOz+oZJ1cLxiMARSiKArqYFOE1\n" \
    "LyFZSnhy94yv8JMN7WxI0WuO3+8PiBskgzDHIau7M+4kY2z/LpQ/viYek8rEEfAU\n" \
    "G4V35uZ8nDAi4Hhjt/hi4dP03xEq03YPQJAtbijLtpwn/oA0rpWbhVjbpoAKeQFk\n" \
    "XC9a+SwRr8gvoP/dLq+BK3FI8b7SxXMzV8UqeLViF81s3DILrZwno9QJiJl4tGqK\n" \
    "Vaj/1zPMQQV0JlPCJ+tOgLM81KWJkptzMhA4Vu2FAcO60hF+Vt2mLdEOidycQBmF\n" \
    "RW+2unFuJtMM8oj1rFKZ3xmOrGbYpOQ9sMS6S8QC6k7u8Xk0BkYnD1I20EzJ7c0W\n" \
    "/Z17EqL97C6bFdvk2oUDb3fZ3b8n2hztFODq4mFUwcKNfsGp0I41EFj2pMbv9zEN\n" \
    "63SQE7D5oCi3lGaAYjV3yMXJXR56xx390JxC5JrkP8HHPlCaG1Ull8StIk8hvyE/\n" \
    "Rnz3KXjDgoqGk4A2P7PTpqh4Xbg3hXDgoRYfGGUyPVvRIfPknOGTXvmurrJ6I6S1\n" \
    "Y6JEMSSMGoKxPDx1ld/YOFpIHs1oSVflbKZ6p/H2+HLzndHbz+GBadSOhrpXowyY\n" \
    "iCuwMSHQ7jvS22mov0fxC5JAgRYvgvXjKNyGDPkhhkEjsjN+GV+EGaRSqcMqQK+3\n" \
    "1Ae1AgMBAAGjgcgwgcUwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYD\n" \
    "VR0lBAwwCgYIKwYBBQUHAwEwUAYDVR0RBEkwR4IPV1dXLkV4YW1wbGUuT1JHgg0q\n" \
    "LmV4YW1wbGUub3JngghiYWQgbmFtZYIMZXhhbXBsZS5vcmcuhwTAAAIBhgd1cm46\n" \
    "YTpiMB0GA1UdDgQWBBSTCd9takvFan0vQqgduJxsHwnZ/TAfBgNVHSMEGDAWgBS0\n" \
    "KrMdRpgAyg0OxQFvg9e5DcBxPDANBgkqhkiG9w0BAQsFAAOCAQEAsaHwKWysr6WM\n" \
    "bxEDi5m4BZ69a0kdRShDhLWKG7n8fSxDUTMPVI8zppt6cKQuc9SUqRGYkKbhFgsf\n" \
    "SNfDRwkOi6HTyoC5WRQ5zMUYXxHCxRgOp+SB7AKIMnqYDiRsNEyxo58UGWQz5l9w\n" \
    "JH2M9M1b6iAUYRw5v7meMqRAPUrnT5XgfgpyAH0npPP3uFb7WigfMx9BEV3kB3UC\n" \
    "SCag3p/4nkmcz/YUCejkJvi2/HQV+TWt0kMq4HUsWd0amKTJIg23TWNM5hhxKvOQ\n" \
    "ug+nt0nOfQRJ+a4Zn1SFuB7d6beDJzFImCMS9Q7oo7M/y9H6jaydWa8wY7yEPN98\n" \
    "SG1AkKrSUg==\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_PSS \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIDgTCCAmmgAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDCCASAwCwYJKoZIhvcN\n" \
    "AQEKA4IBDwAwggEKAoIBAQC85vvmF2li9Yk2EZVWTgs/2v8fK+YS0e5mWpcPVVQY\n" \
    "BfIgdrKsS16VdjrizCi28UCxXahgk+oXX/tk3KHATNL3TNfdL4XvDSY+YGtXdOna\n" \
    "vnz5l/d6P7Q/9O331ppZoPRqqrQrLRBDejESrDehbvrAiw5tDKhH9F1YMyoyb67R\n" \
    "3sWUmrTKGjXaQAprJjCnp2fNyBCnYb5+bscLJ2EzLitw7v0DMR5naeMmUFzrR/p1\n" \
    "6MfhlT49Twh1n15A4Dh1glcukNJfiDX3ZU5xAcdQ4HQX1Ry0SHSRAnba2P/TIppE\n" \
    "X0HIwufKXwosMeVmL8X5g066gIcPFVx1sNkngJRtvC8NAgMBAAGjgcgwgcUwDAYD\n" \
    "VR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwEw\n" \
    "UAYDVR0RBEkwR4IPV1dXLkV4YW1wbGUuT1JHgg0qLmV4YW1wbGUub3JngghiYWQg\n" \
    "bmFtZYIMZXhhbXBsZS5vcmcuhwTAAAIBhgd1cm46YTpiMB0GA1UdDgQWBBT4OnFl\n" \
    "lL5SPv1bQWhequNDlL51lDAfBgNVHSMEGDAWgBS0KrMdRpgAyg0OxQFvg9e5DcBx\n" \
    "PDANBgkqhkiG9w0BAQsFAAOCAQEARvNLElXmsN3v1UK7yRbwuamRqzmP0UgYXVTg\n" \
    "lTXrJ/51y27fjP8FwEI3OHDlhd0JklwqA/0DvOu6nv7m8tTdcu0qtOGX/4zIATrZ\n" \
    "TI2ZQpWa2J0iCcAzBpU4xKgRWYy7MRDxnuciOJGf1zhnsI0W569e82H6dlTJjHnh\n" \
    "QhsaR2M5mTZFNGB+fvUM+wD25BguW42ZXIH+ebNRy1zQtQBuo4ki3w5XxYHSfYhf\n" \
    "IvUqXjxF+5DtrfWilQTCxRQbOoTgsU0vEkO1p0eRQbrkkstGdVXWam5wi7mrEZN8\n" \
    "kxMbAIZ3BcHxmMezbiEKqkCgD6deZJg1KZfQIAy/C3fTUtFudw==\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_PSS384 \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIDtzCCAp+gAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDCCAVYwQQYJKoZIhvcN\n" \
    "AQEKMDSgDzANBglghkgBZQMEAgIFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQME\n" \
    "AgIFAKIDAgEwA4IBDwAwggEKAoIBAQCdiqtIMV03WRTe5Py+KB1akqeAs9ivVJkQ\n" \
    "Wn8hYi/v38xAoql57l96DTv292OAEEuMEclS6UY6RaEetGGBzNL3D9rFpCwetxw2\n" \
    "vEelrwYD6HFwXtedMQuJNKuhp0HtzLPq5YmTC7p786IOntTinWr5afjLYiU5pD7q\n" \
    "tpda2J27cMZTFG4EIhVJwlutvqSb7Pm5yZ+oZe7Tftcble3shDi9k7/sd96C3n2G\n" \
    "3ZfPbtwIONoZrR7eilyOXNbIjl4Vq+5765BL5DC4VsnxQ0Y8xTFHyFmlQr0uQPMq\n" \
    "7n9IkU5un8++mHTO9dYQpU5yb5bbzZKL6l8116a1L+vF+V0gvlO/AgMBAAGjgcgw\n" \
    "gcUwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYB\n" \
    "BQUHAwEwUAYDVR0RBEkwR4IPV1dXLkV4YW1wbGUuT1JHgg0qLmV4YW1wbGUub3Jn\n" \
    "gghiYWQgbmFtZYIMZXhhbXBsZS5vcmcuhwTAAAIBhgd1cm46YTpiMB0GA1UdDgQW\n" \
    "BBS6vBzKz/0O4ardeKJeujaajcdSHjAfBgNVHSMEGDAWgBS0KrMdRpgAyg0OxQFv\n" \
    "g9e5DcBxPDANBgkqhkiG9w0BAQsFAAOCAQEAlDEh54m05e4DpcB2xEdPuzAtYDlA\n" \
    "DfgvRG0GtYRLP9t+Q6UFe+bqBZdYagcG+FaiIvsdGPH0pBEI7Nkr19p2OinciD8J\n" \
    "Zenpzi/Bpv9aWnyuG3pGBiAZed9dr5jTCBHFzfHt4OyDCuAVNJNk2kS/q1XsypQS\n" \
    "iVWxipI+6Kt1p6lq1EuYbKuBQfF5xjYrbOnRNk9olF0KsRR6HxfXoteyo1IECo0H\n" \
    "luS8TWnRZ0dW7kNTVjkxy9As385Zwc7CLZdrgec14rlH6+C//RO+wOIGeeh0oD/y\n" \
    "WPD1G8J0xG7YnphRfLTGnBfLUCMJFJEEzUWsYWiHNWjfkhKMoAVo7rTsFw==\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_ED25519 \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIICiTCCAXGgAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDAqMAUGAytlcAMhAIvc\n" \
    "whlUvskmhMPSW81NzDPSANCKP+MDkIeYaMBQjGYlo4HIMIHFMAwGA1UdEwEB/wQC\n" \
    "MAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMFAGA1UdEQRJ\n" \
    "MEeCD1dXVy5FeGFtcGxlLk9SR4INKi5leGFtcGxlLm9yZ4IIYmFkIG5hbWWCDGV4\n" \
    "YW1wbGUub3JnLocEwAACAYYHdXJuOmE6YjAdBgNVHQ4EFgQUJv5NWsGS2mH1kVrx\n" \
    "pG9Y/4RlXKcwHwYDVR0jBBgwFoAUtCqzHUaYAMoNDsUBb4PXuQ3AcTwwDQYJKoZI\n" \
    "hvcNAQELBQADggEBAIYz/L/it3JqsD7wybO/EE/jWUPNsTl1OgPJ8d8n7VyxnpbW\n" \
    "i2A/LQIc6brzDMJvev3fRfAAVvAbhAqzfwsoTrIeTO8dp5SXDGGo3LuHvl3JZAkl\n" \
    "+gA1VZCB+1mV72vzY9tE3zvoiekvahFeLVfE8twBBE+3QOOC6gA3U51HGjei/1JH\n" \
    "aQfvUEUvt+EQ0ytUDt8hdLYXfwYV8NY4J94TGVoWq8NhLljaywHbtRwllUoFi/6t\n" \
    "qbjQRXk1FvAPfm94bAheOCVNatkNaWooxmo/CJC1WQF75q3MtualnDKy7efiPsT3\n" \
    "AJ3GsRjCbuouZ8KXMTU8rS2tBIkX/VRYHPfJGxk=\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_KEX \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIICrjCCAWKgAwIBAgIBTjBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAwUA\n" \
    "oRwwGgYJKoZIhvcNAQEIMA0GCWCGSAFlAwQCAwUAogMCAUAwHDEaMBgGA1UEAwwR\n" \
    "VGVzdCBJbnRlcm1lZGlhdGUwIBcNMjYxMTIzMDkzNDUyWhgPMjEyNjEwMzAwOTM0\n" \
    "NTJaMA4xDDAKBgNVBAMMA2tleDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOFf\n" \
    "ZrjmLyyetYxDz2hOwaBVLVSGU/Ga4ZKx8uHOKh3HLVaez41kxaRAccuWG+eAW6eO\n" \
    "9cGBVMM7a9OuaNv/cwSjajBoMA4GA1UdDwEB/wQEAwIFIDAWBgNVHREEDzANggtr\n" \
    "ZXguZXhhbXBsZTAdBgNVHQ4EFgQUuusRBQkdWMDB2a2nRb4/Rbw1K6gwHwYDVR0j\n" \
    "BBgwFoAUtCqzHUaYAMoNDsUBb4PXuQ3AcTwwQQYJKoZIhvcNAQEKMDSgDzANBglg\n" \
    "hkgBZQMEAgMFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgMFAKIDAgFAA4IB\n" \
    "AQCvG7ut8axHTyQBzXt9GUWXxweODNrxSJtQqK9Tfi0tgfn2OFYL8T9p/CLabRMb\n" \
    "vZFRhal7oo6nejnETq8QtpOzjeEQhfMMWvkyn9fUyyj1vyyJMsskbR/IoSm2rUVe\n" \
    "sK7XiU+DgcgGDKXvymasmR4+QSmNVb/QAaN0ySvW5hGkkE0bTJczV+HQjjevg6t3\n" \
    "9487RbVz6F8trF9mp43GZtfNVnWSvhf65LcBIatV7zhbSGIuWxS6wS8Se+M/yc1T\n" \
    "9HpEfN0EXqIT0k/G/+lkWeRrNgd6PFKK4cyOML2skWYME5Y4ay3TmP2dC4yZHGzX\n" \
    "Wlx3VtTQHfy8fj+b/6hFhwYG\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_CNONLY \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBLzCB1QIUCs7KxCVid9XPp3sbhkEKwdIIeIAwCgYIKoZIzj0EAwIwGTEXMBUG\n" \
    "A1UEAwwOQ04uRXhhbXBsZS5vcmcwIBcNMjYxMTIzMDkzNDUyWhgPMjEyNjEwMzAw\n" \
    "OTM0NTJaMBkxFzAVBgNVBAMMDkNOLkV4YW1wbGUub3JnMFkwEwYHKoZIzj0CAQYI\n" \
    "KoZIzj0DAQcDQgAE4V9muOYvLJ61jEPPaE7BoFUtVIZT8ZrhkrHy4c4qHcctVp7P\n" \
    "jWTFpEBxy5Yb54Bbp471wYFUwztr065o2/9zBDAKBggqhkjOPQQDAgNJADBGAiEA\n" \
    "zsoT32HWgz7pttmcnqE0pG7xfm5BcxRRnieVSDmQr9ACIQDsvPe9hR5w45QyYghJ\n" \
    "oA1xwxFlucqEYHJ29p8bL1vWqA==\n" \
    "-----END CERTIFICATE-----\n"

#define CRT_TRUSTED \
    "-----BEGIN TRUSTED CERTIFICATE-----\n" \
    "MIICuDCCAaCgAwIBAgIBTTANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFUZXN0\n" \
    "IEludGVybWVkaWF0ZTAgFw0yNjExMjMwOTM0NTJaGA8yMTI2MTAzMDA5MzQ1Mlow\n" \
    "ITENMAsGA1UECgwEVGVzdDEQMA4GA1UEAwwHaWdub3JlZDBZMBMGByqGSM49AgEG\n" \
    "CCqGSM49AwEHA0IABOFfZrjmLyyetYxDz2hOwaBVLVSGU/Ga4ZKx8uHOKh3HLVae\n" \
    "z41kxaRAccuWG+eAW6eO9cGBVMM7a9OuaNv/cwSjgcgwgcUwDAYDVR0TAQH/BAIw\n" \
    "ADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwEwUAYDVR0RBEkw\n" \
    "R4IPV1dXLkV4YW1wbGUuT1JHgg0qLmV4YW1wbGUub3JngghiYWQgbmFtZYIMZXhh\n" \
    "bXBsZS5vcmcuhwTAAAIBhgd1cm46YTpiMB0GA1UdDgQWBBS66xEFCR1YwMHZradF\n" \
    "vj9FvDUrqDAfBgNVHSMEGDAWgBS0KrMdRpgAyg0OxQFvg9e5DcBxPDANBgkqhkiG\n" \
    "9w0BAQsFAAOCAQEAgrONEOAMJ5GnvcVnvOp10AC5up5GB/aFiCaUvqKXlnPwRWZW\n" \
    "ZqIxIbVMQFT6riU168YndYAt2TMRPanzkRVrm+wtR6bzDBvmCdcGaL57uR+7A/7f\n" \
    "2rn6dja4b1rCdsarSWhPN/HahogXGlgcWxvwJbA6b7ZGsbtwqwcV5JGa2Rxg6lrr\n" \
    "+ECIOesEV0G5EsTLWYK9RPWU5r43rdFbDbGSrWEdclL0OIETzoA0m5xdQc6L4RoY\n" \
    "ngNl9HGCbN1my7eYP6qOORpzfIQUmMy6j5QwUD9FC+jIwG8Wa2C6zTiwurjvjbQ/\n" \
    "sG+wlgNrZE5TU2Tyzelb4T593e1PijKA8iP1eDAMMAoGCCsGAQUFBwMB\n" \
    "-----END TRUSTED CERTIFICATE-----\n"
/* clang-format on */

#endif
