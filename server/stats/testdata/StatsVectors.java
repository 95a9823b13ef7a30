// StatsVectors writes vectors.tsv: how an Apache ZooKeeper 3.9.5 on the class
// path sums up values and prints numbers. Run it with
//   java -cp CLASSPATH StatsVectors.java > vectors.tsv

import java.util.Random;
import java.util.StringJoiner;
import org.apache.zookeeper.server.metric.AvgMinMaxCounter;
import org.apache.zookeeper.server.metric.AvgMinMaxPercentileCounter;

public class StatsVectors {
    public static void main(String[] args) {
        Random random = new Random(3);
        double[] plain = {0, -0.0, 1, 0.5, 0.001, 0.0009999, 0.0001, 1.5E-5, 123456.789, 9999999, 9999999.5, 10000000, 12345678.9, 1E21,
            -1, -0.0005, 100, 1024, 0.3333, 66.6667, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        for (double d : plain) {
            System.out.println("double\t" + Long.toHexString(Double.doubleToRawLongBits(d)) + "\t" + d);
        }
        for (int i = 0; i < 200; i++) {
            double d = random.nextInt(1_000_000_000) / 10000.0;
            System.out.println("double\t" + Long.toHexString(Double.doubleToRawLongBits(d)) + "\t" + d);
        }
        for (int i = 0; i < 200; i++) {
            boolean advanced = i % 2 == 0;
            int most = i % 5 == 0 ? 3 : 63; // so small that percentiles are exact
            int n = random.nextInt(70);
            StringJoiner values = new StringJoiner(",");
            StringJoiner prints = new StringJoiner(",");
            AvgMinMaxCounter basic = new AvgMinMaxCounter("x");
            AvgMinMaxPercentileCounter full = new AvgMinMaxPercentileCounter("x");
            for (int k = 0; k < n; k++) {
                long v = random.nextInt(most + 1);
                values.add(Long.toString(v));
                basic.add(v);
                full.add(v);
            }
            (advanced ? full.values() : basic.values()).forEach((k, v) -> prints.add(k + "=" + v));
            System.out.println((advanced ? "advanced" : "basic") + "\t" + values + "\t" + prints);
        }
    }
}
