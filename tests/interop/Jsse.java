// Java's JSSE as a client of tls13d:
//
//   java tests/interop/Jsse.java PORT CA.pem get [TIMES]        a page, on TIMES connections of one SSLContext, so that tickets are used
//   java tests/interop/Jsse.java PORT CA.pem get:FILE.p12       with a client certificate (password "pass")
//   java tests/interop/Jsse.java PORT CA.pem first TEXT         says TEXT, then close_notify, then reads to the server's
//   java tests/interop/Jsse.java PORT CA.pem second TEXT        reads to the server's close_notify, then says TEXT and its own
//
// Prints what it read, and a line "agreed PROTOCOL SUITE resumed=BOOLEAN" a connection.

import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import java.util.List;

public class Jsse {
    static final char[] PASSWORD = "pass".toCharArray();

    static SSLContext context(String ca, String p12) throws Exception {
        KeyStore trust = KeyStore.getInstance(KeyStore.getDefaultType());
        trust.load(null, null);
        try (InputStream in = new FileInputStream(ca)) {
            trust.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(trust);
        KeyManager[] keys = null;
        if (p12 != null) {
            KeyStore own = KeyStore.getInstance("PKCS12");
            try (InputStream in = new FileInputStream(p12)) {
                own.load(in, PASSWORD);
            }
            KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
            factory.init(own, PASSWORD);
            keys = factory.getKeyManagers();
        }
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys, trusted.getTrustManagers(), null);
        return context;
    }

    static SSLSocket connect(SSLContext context, int port) throws Exception {
        SSLSocket s = (SSLSocket) context.getSocketFactory().createSocket("localhost", port);
        SSLParameters p = s.getSSLParameters();
        p.setProtocols(new String[] {"TLSv1.3"});
        p.setServerNames(List.of(new SNIHostName("localhost")));
        p.setEndpointIdentificationAlgorithm("HTTPS");
        s.setSSLParameters(p);
        s.setSoTimeout(15000);
        long before = System.currentTimeMillis();
        Thread.sleep(5);
        s.startHandshake();
        SSLSession session = s.getSession();
        System.out.println("agreed " + session.getProtocol() + " " + session.getCipherSuite() + " resumed="
            + (session.getCreationTime() <= before));
        return s;
    }

    static void say(SSLSocket s, String text) throws Exception {
        s.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        s.getOutputStream().flush();
    }

    // To the server's close_notify; a connection that ends without one is an exception here.
    static void readAll(SSLSocket s) throws Exception {
        byte[] all = s.getInputStream().readAllBytes();
        System.out.println("read " + all.length);
        if (all.length < 1000)
            System.out.println(new String(all, StandardCharsets.ISO_8859_1));
    }

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        String what = args[2];
        SSLContext context = context(args[1], what.startsWith("get:") ? what.substring(4) : null);
        int times = what.equals("get") && args.length > 3 ? Integer.parseInt(args[3]) : 1;
        for (int i = 0; i < times; i++) {
            SSLSocket s = connect(context, port);
            if (what.startsWith("get"))
                say(s, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            if (what.equals("first")) {
                say(s, args[3]);
                s.shutdownOutput();
            }
            readAll(s);
            if (what.equals("second")) {
                say(s, args[3]);
                s.shutdownOutput();
            }
            s.close();
        }
        System.out.println("closed");
    }
}
